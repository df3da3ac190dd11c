"""A person's word and the gate's, through the real program: promote, roll back, hold, look."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets import decisions, evaluations, inbox, lineage
from lake import query
from lake.settings import load
from lake.tables import Lake
from models import recipes
from models.base import BaseModel
from models.registry import Registry

STEPPE = Path(sys.executable).with_name("steppe")
SAMPLES = Path(inbox.__file__).parent / "sources" / "samples"
CHOSEN = {"STEPPE_BASE_MODEL": "embedded-quick", "STEPPE_RECIPE": "quick"}


@pytest.fixture(scope="module")
def home(quick_base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one adapter, which six steps have not made fit to be served."""
    home = tmp_path_factory.mktemp("decisions") / "home"
    shutil.copytree(quick_base.path, home / "models" / "bases" / quick_base.path.name)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    inbox.take_in([SAMPLES / "dialogues"], home / "inbox", day=yesterday)
    done = steppe(home, "grow")
    assert 0 == done.returncode, done.stderr
    shutil.copytree(home, home.with_name("apart"))
    return home


@pytest.fixture
def apart(home: Path) -> Path:
    """The home as it was made, for what no other test of this file may see."""
    return home.with_name("apart")


def steppe(home: Path, *arguments: str, **chosen: str) -> subprocess.CompletedProcess[str]:
    """Run the program on a home, as a person does."""
    chosen = {"STEPPE_HOME": str(home), "STEPPE_SELF_CHATS_PER_DAY": "0", **CHOSEN, **chosen}
    return subprocess.run(
        [STEPPE, *arguments],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def served(home: Path) -> str:
    """Return the adapter id of the newest deployment, empty for the base."""
    row = lineage.deployed(Lake(home))
    return row["adapter_id"] if row else ""


def test_the_whole_story_of_one_adapter(home: Path) -> None:
    lake, registry = Lake(home), Registry(home / "mlflow")
    (gated,) = lake.rows("evaluations_verdicts")
    adapter = gated["adapter_id"]
    assert not gated["passed"]
    assert gated["failed"]

    told = steppe(home, "verdict", adapter[:6])
    assert "refused against the bare base" in told.stdout
    assert "candidate 1 since the coronation" in told.stdout
    assert all(reason.partition(": ")[2] in told.stdout for reason in gated["reasons"])

    refused = steppe(home, "promote", adapter[:6])
    assert 1 == refused.returncode
    assert "hint: `steppe verdict` tells why" in refused.stderr
    assert "" == served(home)

    done = steppe(home, "promote", f"steppe@{adapter[:12]}", "--reason", "я так хочу")
    assert 0 == done.returncode, done.stderr
    row = lineage.deployed(lake)
    assert (adapter, "person") == (row["adapter_id"], row["decided_by"])
    assert row["reason"].startswith("promoted by a person (")
    assert row["reason"].endswith("я так хочу")
    assert adapter == registry.alias("champion")
    assert "is served already" in steppe(home, "promote", "champion").stdout
    assert "Nothing is new" in steppe(home, "grow").stdout

    back = steppe(home, "rollback", "--reason", "хуже, чем было")
    assert f"the bare base is served; steppe@{adapter[:12]} is held\n" == back.stdout, back.stderr
    assert "" == served(home)
    assert (None, adapter) == (registry.alias("champion"), registry.alias("previous"))
    assert "Nothing is new" in steppe(home, "grow").stdout
    again = steppe(home, "rollback")
    assert 1 == again.returncode
    assert "nothing to roll back" in again.stderr

    rows = [json.loads(line) for line in steppe(home, "verdict", "--json").stdout.splitlines()]
    assert ["gate", "person", "person"] == [r["decided_by"] for r in rows if r["adapter_id"]]
    assert "may not be served" in steppe(home, "verdict", adapter).stdout


def test_an_adapter_that_is_not_there_is_told_with_the_nearest(home: Path) -> None:
    (adapter,) = {r["adapter_id"] for r in Lake(home).rows("adapters_versions")}
    typo = adapter[:10] + ("0" if adapter[10] != "0" else "1") + adapter[11]

    done = steppe(home, "hold", f"steppe@{typo}", "--reason", "x")

    assert 1 == done.returncode
    assert f"hint: did you mean `steppe@{adapter[:12]}`?" in done.stderr


def test_a_judgement_that_was_taken_is_not_taken_again(home: Path) -> None:
    """The asset run again from the UI: the same verdict, and no table is written."""
    import dagster as dg

    from orchestration.definitions import build

    chosen = load(home=home, base_model="embedded-quick", recipe="quick", self_chats_per_day=0)
    lake = Lake(home)
    gated = [r for r in lake.rows("evaluations_verdicts") if r["decided_by"] == "gate"]
    before = {name: lake.version(name) for name in evaluations.SPECS}

    result = (
        build(chosen)
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in evaluations.SPECS], raise_on_error=False
        )
    )

    (check,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "gate"]
    assert check.passed is gated[0]["passed"]
    assert before == {name: lake.version(name) for name in evaluations.SPECS}


def test_two_sets_that_make_the_same_adapter_are_both_trained_on_once(
    home: Path, tmp_path: Path
) -> None:
    """A budget that binds nothing makes another recipe and another set, and the same adapter."""
    recipe = tmp_path / "bounded.toml"
    shipped = (Path(recipes.__file__).parent / "recipes" / "quick.toml").read_text("utf-8")
    recipe.write_text(f"{shipped}\n[budget]\nmax_method_share = 0.3\n", encoding="utf-8")
    before = len(Lake(home).rows("adapters_versions"))

    done = steppe(home, "grow", STEPPE_RECIPE=str(recipe))
    trained = Lake(home).rows("adapters_trainings")
    again = steppe(home, "grow", STEPPE_RECIPE=str(recipe))

    assert [0, 0] == [done.returncode, again.returncode], done.stderr + again.stderr
    assert before == len(Lake(home).rows("adapters_versions"))
    assert 2 == len(trained) == len(Lake(home).rows("adapters_trainings"))
    assert 1 == len({row["adapter_id"] for row in trained})


def test_mlflow_shows_the_verdict_and_its_page(home: Path) -> None:
    (adapter,) = {r["adapter_id"] for r in Lake(home).rows("adapters_versions")}
    registry = Registry(home / "mlflow")
    (version,) = registry.client.search_model_versions("name = 'steppe'")
    pages = [a.path for a in registry.client.list_artifacts(version.run_id)]

    assert adapter == version.tags["adapter_id"]
    assert "refused" == version.tags["verdict"]
    assert version.tags["verdict.failed"]
    assert "evaluation.html" in pages


def test_an_adapter_is_tried_on_a_share_of_people_and_looked_at(apart: Path) -> None:
    """The row names the decision that let it through, so the check on the history has no word."""
    lake = Lake(apart)
    (adapter,) = {r["adapter_id"] for r in lake.rows("adapters_versions")}
    word = decisions.release(lake, adapter, "на пробу")

    tried = steppe(apart, "canary", adapter[:6], "--share", "0.5", "--reason", "тон")
    shown = steppe(apart, "show", "canary")
    ended = steppe(apart, "canary", "--end", "--reason", "хватит")

    assert f"steppe@{adapter[:12]} answers 50% of people\n" == tried.stdout, tried.stderr
    assert f"steppe@{adapter[:12]} on 50% of people since" in shown.stdout
    assert "beside base" in shown.stdout
    assert "too few" in shown.stdout
    assert 0 == ended.returncode, ended.stderr
    began, end = lineage._history(lake)[-2:]
    assert (word["evaluation_id"], 0.5) == (began["evaluation_id"], began["share"])
    assert 0.0 == end["share"]
    assert [] == query.offending(lake, "assert_only_passed_adapters_are_served")
