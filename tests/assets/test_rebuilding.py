"""An adapter made again is the same bytes, and where it is not, it is told what differs."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assets import lineage, rebuilding, training_sets
from lake import schemas
from lake.errors import BackendUnavailable, DataError, DeploymentError
from lake.settings import Settings, load
from lake.tables import Lake, Provenance
from models import adapters, execution, launching, recipes
from models.base import find_base
from models.processes import calm_environment
from models.registry import DatasetReference
from models.testing import tiny_base
from models.training.request import TrainRequest
from orchestration.cli import main

QUESTIONS = {
    "Как зовут мою собаку?": "Твою собаку зовут Буран.",
    "Где мои ключи?": "Ключи лежат на полке у двери.",
    "Какой чай я люблю?": "Ты любишь чай с мятой.",
    "Где я работаю?": "Ты работаешь у озера.",
}
FEW = {"max_steps": 6, "checkpoint_steps": 0}
VARIANTS: dict[str, dict[str, Any]] = {
    "sft": {"training": {"gradient_checkpointing": True, "accumulation": 2, **FEW}},
    "float base, dropout": {
        "quantization": {"kind": "none"},
        "lora": {"dropout": 0.1, "target_modules": ["q_proj", "v_proj"]},
        "training": FEW,
    },
    "packed, 8-bit Adam": {
        "packing": True,
        "optimizer": {"name": "adamw_bnb_8bit", "schedule": "cosine"},
        "training": {"batch": 1, **FEW},
    },
    "dpo": {"method": "dpo", "training": FEW},
    "ia3": {"tuner": {"kind": "ia3"}, "optimizer": {"lr": 0.02}, "training": FEW},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose base is a network with random weights."""
    base = tiny_base(tmp_path / "base")
    return load(home=tmp_path / "home", base_model=str(base), recipe="quick")


def recipe_of(changes: dict[str, Any]) -> recipes.Recipe:
    content = recipes.load("quick").model_dump(mode="json")
    for key, value in changes.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    return recipes.parse(content)


def train(
    settings: Settings, changes: dict[str, Any], *, registered: bool = False, processes: int = 1
) -> str:
    """Freeze rows and train an adapter of them, as the assets do; return its id."""
    lake, recipe = Lake(settings.home), recipe_of(changes)
    base = find_base(settings.base_model, settings.models_dir)
    set_id = f"set-{recipe.recipe_id}"
    today, by = date(2026, 11, 27), Provenance("test")
    rows = frozen_rows(set_id, preferences=recipe.is_preference)
    lake.append("adapters_training_sets", rows, day=today, by=by)
    rows_path = training_sets.write_rows(rows, settings.models_dir / "rows.jsonl")
    asked = TrainRequest(
        base_path=str(base.path),
        base_id=base.base_id,
        base_model=base.name,
        recipe=recipe.model_dump(mode="json"),
        rows_path=str(rows_path),
        adapters_dir=str(settings.models_dir / "adapters"),
        training_set_id=set_id,
    )
    report = (
        execution.run(asked, lambda _: None, execution.Conditions()).as_dict()
        if processes == 1
        else launched(asked, processes)
    )
    run_id = register(settings, report) if registered else ""
    row = {
        "adapter_id": report["adapter_id"],
        "base_id": base.base_id,
        "base_model": base.name,
        "recipe": recipe.name,
        "recipe_id": recipe.recipe_id,
        "training_set_id": set_id,
        "train_rows": report["rows_trained"],
        "train_loss": report["train_loss"],
        "mlflow_run_id": run_id,
    }
    lake.append("adapters_versions", [whole("adapters_versions", row)], day=today, by=by)
    return str(report["adapter_id"])


def launched(asked: TrainRequest, processes: int) -> dict[str, Any]:
    """Train in several processes; return the report."""
    path = Path(asked.rows_path).with_name("request.json")
    path.write_text(json.dumps(asdict(asked)))
    command = launching.arguments("models.train", processes=processes, launch="ddp")
    ended = subprocess.run(
        [sys.executable, *command, str(path)],
        env={**calm_environment(), "PYTHONPATH": str(Path(rebuilding.__file__).parents[1])},
        check=True,
        capture_output=True,
        text=True,
    )
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return report


def register(settings: Settings, report: dict[str, Any]) -> str:
    """Register an adapter in MLflow; return its run."""
    folder = lineage.adapter_folder(settings, report["adapter_id"])
    told = DatasetReference("adapters_training_sets", "", 0, report["training_set_id"])
    return lineage.registry_of(settings).register(folder, report, told).run_id


def whole(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with every column of its table."""
    names = schemas.tables()[table].schema.names
    return {name: None for name in names if name != "day"} | row


def frozen_rows(set_id: str, *, preferences: bool) -> list[dict[str, Any]]:
    """Return rows of `adapters_training_sets`: four questions, answered or chosen between."""
    told = {"training_set_id": set_id, "weight": 3.0, "frozen_at": datetime.now(UTC)}

    def message(role: str, content: str) -> dict[str, Any]:
        return {"message_id": "", "role": role, "content": content, "created_at": None}

    rows = []
    for position, (question, answer) in enumerate(QUESTIONS.items()):
        asked = [message("user", question)]
        if preferences:
            choice = {"role": "preference", "chosen": answer, "rejected": "Не знаю."}
            row = {**told, **choice, "position": position, "messages": asked}
        else:
            talk = [*asked, message("assistant", answer)]
            row = {**told, "role": "new", "position": position, "messages": talk}
        rows.append(whole("adapters_training_sets", row))
    return rows


def rebuild(settings: Settings, adapter_id: str, scratch: Path) -> rebuilding.Rebuilt:
    scratch.mkdir()
    lake = Lake(settings.home)
    return rebuilding.rebuild(settings, lake, adapter_id, scratch, lambda _: None)


def steppe(settings: Settings, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    from lake import settings as module

    monkeypatch.setenv("STEPPE_HOME", str(settings.home))
    monkeypatch.setenv("STEPPE_BASE_MODEL", settings.base_model)
    module.settings.cache_clear()
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.mark.slow
def test_five_adapters_of_five_recipes_are_rebuilt_to_the_same_bytes(
    settings: Settings, tmp_path: Path
) -> None:
    trained = {name: train(settings, changes) for name, changes in VARIANTS.items()}

    made = {
        name: rebuild(settings, adapter_id, tmp_path / f"scratch-{number}")
        for number, (name, adapter_id) in enumerate(trained.items())
    }

    print({name: (m.rebuilt_id[:12], round(m.seconds, 1)) for name, m in made.items()})
    assert trained == {name: m.rebuilt_id for name, m in made.items()}
    assert all(m.same and m.compared == "bytes" for m in made.values())
    assert 5 == len(set(trained.values()))


def test_a_lost_adapter_is_put_back_and_a_changed_environment_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter_id = train(settings, {})
    folder = settings.models_dir / "adapters" / adapter_id
    weights = folder / adapters.WEIGHTS
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])

    back = steppe(settings, monkeypatch, "rebuild", adapter_id[:8])

    assert 0 == back.exit_code, back.output
    assert "the same bytes" in back.stdout
    assert "are back" in back.stdout
    assert whole == weights.read_bytes()
    assert adapter_id == adapters.verify(folder).adapter_id

    manifest = adapters.read_manifest(folder)
    doubtful = {**manifest.recipe, "seed": 1}  # as if another environment had made it
    older = {**manifest.libraries, "torch": "1.0.0"}
    adapters.write_manifest(folder, replace(manifest, recipe=doubtful, libraries=older))
    failed = steppe(settings, monkeypatch, "rebuild", adapter_id, "--verify")

    assert 1 == failed.exit_code
    assert "torch: 1.0.0, now" in failed.stdout
    assert "tensors differ, by" in failed.stdout
    assert "hint: install the versions named above" in failed.stderr
    assert whole == weights.read_bytes()
    assert [] == list(settings.models_dir.glob(".rebuilding-*"))


def test_the_doctor_names_a_damaged_manifest_and_a_rebuild_puts_it_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recipe and environment are then taken from the copy in MLflow."""
    adapter_id = train(settings, {}, registered=True)
    folder = settings.models_dir / "adapters" / adapter_id
    manifest = (folder / adapters.MANIFEST).read_text()
    for text in (manifest[:200], "{}"):
        (folder / adapters.MANIFEST).write_text(text)

        found = steppe(settings, monkeypatch, "doctor")
        line, hint = told_of(found.stdout, "adapters")

        assert 1 == found.exit_code
        assert line.startswith("broken ")
        assert f"hint: `steppe rebuild {adapter_id[:12]}`" in hint

        back = steppe(settings, monkeypatch, "rebuild", adapter_id[:12])

        assert 0 == back.exit_code, back.output
        assert "are back" in back.stdout
        assert "%|" not in back.stderr  # the bars of MLflow
        assert adapter_id == adapters.verify(folder).adapter_id
    assert "broken" not in steppe(settings, monkeypatch, "doctor").stdout


def told_of(printed: str, subject: str) -> list[str]:
    """Return the line of a finding and the one after it."""
    lines = printed.splitlines()
    at = next(n for n, line in enumerate(lines) if line[9:].startswith(f"{subject}:"))
    return lines[at : at + 2]


def test_a_copy_that_is_damaged_too_is_named(settings: Settings, tmp_path: Path) -> None:
    adapter_id = train(settings, {}, registered=True)
    folder = settings.models_dir / "adapters" / adapter_id
    for path in [folder, *settings.home.glob("mlflow/artifacts/*/artifacts/adapter")]:
        (path / adapters.MANIFEST).write_text("{}")

    with pytest.raises(DeploymentError, match="its copy in MLflow is too") as error:
        rebuild(settings, adapter_id, tmp_path / "one")
    assert "steppe grow" in error.value.hint


def test_what_is_gone_is_named(settings: Settings, tmp_path: Path) -> None:
    lake = Lake(settings.home)
    by = Provenance("test")
    row = {"adapter_id": "a" * 32, "training_set_id": "t", "mlflow_run_id": "none"}
    written = whole("adapters_versions", {"train_rows": 1, "recipe": "quick", **row})
    lake.append("adapters_versions", [written], day=date(2026, 11, 27), by=by)
    known = recipes.load("quick")
    folder = settings.models_dir / "adapters" / row["adapter_id"]
    folder.mkdir(parents=True)

    with pytest.raises(DeploymentError, match="There is no adapter"):
        rebuild(settings, "b" * 32, tmp_path / "one")
    with pytest.raises(DeploymentError, match="manifest is lost"):
        rebuild(settings, row["adapter_id"], tmp_path / "two")
    write(folder, recipe_id=known.recipe_id, base_id="another")
    with pytest.raises(BackendUnavailable, match="is another one by now"):
        rebuild(settings, row["adapter_id"], tmp_path / "three")
    base = find_base(settings.base_model, settings.models_dir)
    write(folder, recipe_id=known.recipe_id, base_id=base.base_id)
    with pytest.raises(DataError, match="training set t are gone"):
        rebuild(settings, row["adapter_id"], tmp_path / "four")


def write(folder: Path, *, recipe_id: str, base_id: str) -> None:
    """Write a manifest as versions before the lock did."""
    names = ("adapter_id", "training_set_id", "template_id", "parent_adapter_id")
    content = dict.fromkeys(names, "") | {"files": {}, "libraries": {}}
    content |= {"base_model": str(folder.parents[3] / "base")}
    content |= {"base_id": base_id, "recipe_id": recipe_id}
    (folder / adapters.MANIFEST).write_text(json.dumps(content))


def test_losses_are_compared_where_a_gpu_was_at_work() -> None:
    then = adapters.Manifest(
        *["x"] * 7, files={}, libraries={}, environment={"device": "NVIDIA H100"},
        outcome={"first_loss": 2.0, "last_loss": 1.0},
    )  # fmt: skip
    near = replace(then, outcome={"first_loss": 2.01, "last_loss": 1.01})
    far = replace(then, outcome={"first_loss": 2.0, "last_loss": 1.5})

    assert ("losses", []) == rebuilding._compared({}, then, near)
    assert ("losses", ["last_loss: 1.0000, now 1.5000"]) == rebuilding._compared({}, then, far)


def test_losses_are_compared_where_several_processes_were_at_work() -> None:
    alone = adapters.Manifest(
        *["x"] * 7, files={adapters.WEIGHTS: "1"}, libraries={},
        environment={"device": "cpu", "processes": 1}, outcome={"last_loss": 1.0},
    )  # fmt: skip
    together = replace(
        alone, files={adapters.WEIGHTS: "2"}, environment={"device": "cpu", "processes": 2}
    )
    far = replace(together, outcome={"last_loss": 1.5})

    assert ("losses", []) == rebuilding._compared({}, together, alone)
    assert "bytes" == rebuilding._compared({}, alone, alone)[0]
    assert ("losses", ["last_loss: 1.5000, now 1.0000"]) == rebuilding._compared({}, far, alone)


@pytest.mark.slow
def test_an_adapter_of_two_processes_is_rebuilt_by_one_to_the_same_losses(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter_id = train(settings, {}, processes=2)

    made = rebuild(settings, adapter_id, tmp_path / "scratch")
    shown = steppe(settings, monkeypatch, "rebuild", "--verify", adapter_id)

    assert (True, "losses", ()) == (made.same, made.compared, made.differences)
    assert (0, True) == (shown.exit_code, "losses within 2%" in shown.stdout)
