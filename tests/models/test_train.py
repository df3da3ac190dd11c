"""The trainer's process: by hand from a file, and behind Dagster Pipes."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from models import launching
from models.processes import calm_environment

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "models.train"]


@pytest.mark.slow
def test_by_hand_it_prints_the_report(quick_request, trained, tmp_path):
    request = tmp_path / "request.json"
    request.write_text(json.dumps(asdict(quick_request())))

    ended = subprocess.run(
        [*COMMAND, str(request)], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert trained.adapter_id == json.loads(ended.stdout.splitlines()[-1])["adapter_id"]


def test_an_error_comes_with_its_hint_and_code_1(quick_request, tmp_path):
    asked = asdict(quick_request())
    asked["recipe"] = {**asked["recipe"], "seed": -1}
    request = tmp_path / "request.json"
    request.write_text(json.dumps(asked))

    ended = subprocess.run(
        [*COMMAND, str(request)], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert "error: Recipe `quick`: `seed` = -1" in ended.stderr
    assert "hint: see models/recipes/defaults.toml" in ended.stderr


def test_behind_pipes_progress_metadata_and_the_check_come_back(quick_request, trained):
    import dagster as dg

    told = []

    @dg.asset(check_specs=[dg.AssetCheckSpec("loss_finite", asset="adapters")])
    def adapters(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        done = pipes.run(
            command=COMMAND,
            context=context,
            cwd=str(ROOT),
            env=calm_environment(),
            extras={"request": asdict(quick_request())},
        )
        told.extend(done.get_custom_messages())
        return done.get_results()

    result = dg.materialize([adapters], resources={"pipes": dg.PipesSubprocessClient()})
    made = result.asset_materializations_for_node("adapters")[0]

    assert result.success
    assert trained.adapter_id == made.metadata["adapter_id"].value
    assert result.get_asset_check_evaluations()[0].passed
    assert ["ready", "estimate", "rows", *["step"] * 6, "done"] == [
        event["event"] for event in told
    ]


@pytest.mark.slow
def test_two_processes_behind_pipes_speak_once(quick_request, tmp_path):
    """The session belongs to the main process; the other reads what is asked and is silent."""
    import dagster as dg

    told = []

    @dg.asset(check_specs=[dg.AssetCheckSpec("loss_finite", asset="adapters")])
    def adapters(context: dg.AssetExecutionContext, pipes: dg.PipesSubprocessClient):
        done = pipes.run(
            command=[
                sys.executable,
                *launching.arguments("models.train", processes=2, launch="ddp"),
            ],
            context=context,
            cwd=str(ROOT),
            env=calm_environment(),
            extras={"request": asdict(quick_request(tmp_path))},
        )
        told.extend(done.get_custom_messages())
        return done.get_results()

    result = dg.materialize([adapters], resources={"pipes": dg.PipesSubprocessClient()})
    (made,) = result.asset_materializations_for_node("adapters")

    assert [made.metadata["adapter_id"].value] == [path.name for path in tmp_path.iterdir()]
    assert result.get_asset_check_evaluations()[0].passed
    assert ["ready", "estimate", "rows", *["step"] * 6, "done"] == [
        event["event"] for event in told
    ]
