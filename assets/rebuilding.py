"""An adapter made again: from its frozen rows, its recipe and its base, and compared.

An adapter is a function of these three and of the environment that its manifest locks.  One process
on a CPU makes the same bytes again.  A GPU takes sums in no fixed order, and several processes in
another order than the one that rebuilds: there the losses of the first and of the last step are
compared within `TOLERANCE`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assets import lineage, training_sets
from lake.errors import DataError, DeploymentError, RecipeError, TrainingFailed
from lake.settings import Settings
from lake.tables import Lake
from models import adapters, recipes
from models import base as bases
from models.adapters import Manifest
from models.processes import child_environment

TOLERANCE = 0.02
"""Largest relative difference of a loss between two trainings of one request on a GPU.

By two processes and by one the losses agree within 1e-5 nats (`tests/models/test_launching.py`).
"""
ERROR_LINES = 12

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How a rebuilding came out; `folder` is the new adapter, in the scratch folder.

    `compared` is `bytes` or `losses`; `differences` is empty where `same`, else a line each.
    """

    adapter_id: str
    rebuilt_id: str
    same: bool
    compared: str
    seconds: float
    folder: Path
    differences: tuple[str, ...] = field(default=())


def rebuild(settings: Settings, lake: Lake, adapter_id: str, scratch: Path, say: Say) -> Rebuilt:
    """Train the adapter again in a scratch folder, and say how it differs from the one of before.

    Raise `DataError`, `DeploymentError` or `RecipeError` where something it was made from is gone.
    """
    row = _row(lake, adapter_id)
    before = manifest_of(settings, row, scratch)
    request = request_of(settings, lake, row, before, scratch)
    say(f"{row['train_rows']} rows, recipe {row['recipe']}, base {row['base_model']}")
    started = time.monotonic()
    report = _trained(request, before, scratch)
    folder = Path(report["path"])
    compared, found = _compared(row, before, adapters.read_manifest(folder))
    if found and compared == "bytes":
        found += _what_differs(lineage.adapter_folder(settings, adapter_id), folder, before)
    return Rebuilt(
        adapter_id=adapter_id,
        rebuilt_id=report["adapter_id"],
        same=not found,
        compared=compared,
        seconds=time.monotonic() - started,
        folder=folder,
        differences=tuple(found),
    )


def restore(settings: Settings, rebuilt: Rebuilt) -> bool:
    """Put a rebuilt adapter where a lost or damaged one lay; return whether it was needed."""
    target = lineage.adapter_folder(settings, rebuilt.adapter_id)
    if adapters.is_sound(target):
        return False
    if rebuilt.rebuilt_id != rebuilt.adapter_id:
        raise DeploymentError(
            "What came out is another adapter, so the lost one cannot be put back.",
            hint="`steppe rebuild --verify` says what differs; `steppe grow` trains a new one",
        )
    adapters.publish(rebuilt.folder, target.parent, rebuilt.adapter_id)
    return True


def manifest_of(settings: Settings, row: Mapping[str, Any], scratch: Path) -> Manifest:
    """Return an adapter's manifest: its own, or where that is lost the copy its MLflow run has.

    The recipe of a manifest older than this is looked for among the shipped ones, by its id.
    """
    try:
        found = adapters.read_manifest(lineage.adapter_folder(settings, row["adapter_id"]))
    except DeploymentError:
        found = _registered(settings, row, scratch)
    return found if found.recipe else _with_shipped_recipe(found)


def _registered(settings: Settings, row: Mapping[str, Any], scratch: Path) -> Manifest:
    registry = lineage.registry_of(settings)
    folder = registry.fetch_manifest(row["mlflow_run_id"], scratch / "registered")
    try:
        return adapters.read_manifest(folder)
    except DeploymentError as error:
        raise DeploymentError(
            f"The adapter's manifest is lost, and its copy in MLflow is too: {error.message}",
            hint="`steppe grow` trains a new adapter from the lake as it is",
        ) from None


def _with_shipped_recipe(manifest: Manifest) -> Manifest:
    for name in recipes.names():
        recipe = recipes.load(name)
        if recipe.recipe_id == manifest.recipe_id:
            return replace(manifest, recipe=recipe.model_dump(mode="json"))
    raise RecipeError(
        f"The recipe {manifest.recipe_id[: adapters.SHORT_ID]} is in no manifest and not shipped.",
        hint="adapters trained from now on keep their recipe",
    )


def request_of(
    settings: Settings, lake: Lake, row: Mapping[str, Any], manifest: Manifest, scratch: Path
) -> dict[str, Any]:
    """Return what the trainer is asked again, with the frozen rows written into the scratch."""
    base = bases.find_by_id(manifest.base_id, manifest.base_model, settings.models_dir)
    parent = manifest.parent_adapter_id
    return {
        "base_path": str(base.path),
        "base_id": manifest.base_id,
        "base_model": manifest.base_model,
        "recipe": dict(manifest.recipe),
        "rows_path": str(_rows(lake, row["training_set_id"], scratch)),
        "adapters_dir": str(scratch / "adapters"),
        "training_set_id": row["training_set_id"],
        "parent_adapter": str(lineage.adapter_folder(settings, parent)) if parent else "",
        "micro_batch": manifest.environment.get("micro_batch", 0),
    }


def _row(lake: Lake, adapter_id: str) -> dict[str, Any]:
    found = lake.rows("adapters_versions", where=f"adapter_id = '{adapter_id}'")
    if not found:
        raise DeploymentError(
            f"There is no adapter `{adapter_id}`.", hint="`steppe show adapters` lists them"
        )
    return dict(found[0])


def _rows(lake: Lake, training_set_id: str, scratch: Path) -> Path:
    rows = lake.rows("adapters_training_sets", where=f"training_set_id = '{training_set_id}'")
    if not rows:
        raise DataError(
            f"The rows of training set {training_set_id[: adapters.SHORT_ID]} are gone.",
            hint="they were erased, or this is another lake: what they taught cannot be rebuilt",
        )
    return training_sets.write_rows(rows, scratch / f"{training_set_id}.jsonl")


def _trained(request: Mapping[str, Any], before: Manifest, scratch: Path) -> dict[str, Any]:
    """Run the trainer on the locked number of threads; return its report."""
    path = scratch / "request.json"
    path.write_text(json.dumps(request, ensure_ascii=False), encoding="utf-8")
    threads = str(before.environment.get("threads") or os.environ.get("OMP_NUM_THREADS", "1"))
    ended = subprocess.run(
        [sys.executable, "-m", "models.train", str(path)],
        env={**child_environment(), "OMP_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        last = "\n".join(ended.stderr.splitlines()[-ERROR_LINES:])
        raise TrainingFailed(
            f"The trainer ended with {ended.returncode}:\n{last}",
            hint="the adapter of before was trained with the versions in its manifest",
        )
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return report


def _compared(row: Mapping[str, Any], before: Manifest, now: Manifest) -> tuple[str, list[str]]:
    """Return what was compared, and a line for what is not the same."""
    if _is_repeatable(before) and _is_repeatable(now):
        names = [name for name, digest in now.files.items() if before.files.get(name) != digest]
        return "bytes", [f"{name}: other bytes" for name in names]
    past = before.outcome or {"last_loss": row["train_loss"]}
    return "losses", [
        f"{name}: {past[name]:.4f}, now {now.outcome[name]:.4f}"
        for name in past
        if abs(now.outcome[name] - past[name]) > TOLERANCE * abs(past[name])
    ]


def _is_repeatable(manifest: Manifest) -> bool:
    """Return whether what made an adapter adds in one order always: one process on a CPU."""
    locked = manifest.environment  # without an entry in manifests older than it
    return locked.get("device", "cpu") == "cpu" and locked.get("processes", 1) == 1


def _what_differs(old: Path, new: Path, before: Manifest) -> list[str]:
    """Return what the environments and the files say of why the bytes are not the same."""
    from models import environment

    now = adapters.read_manifest(new)
    lines = environment.differences(before.libraries, now.libraries)
    lines += environment.differences(before.environment, now.environment)
    if not adapters.is_sound(old):
        return [*lines, "the files of before are lost or changed, so no weight can be compared"]
    return [*lines, *_settings_that_differ(old, new), *_weights_that_differ(old, new)]


def _settings_that_differ(old: Path, new: Path) -> list[str]:
    then, now = (json.loads((f / adapters.CONFIG).read_text(encoding="utf-8")) for f in (old, new))
    names = sorted(k for k in then.keys() | now.keys() if then.get(k) != now.get(k))
    return [f"{adapters.CONFIG}: {k} = {then.get(k)}, now {now.get(k)}" for k in names]


def _weights_that_differ(old: Path, new: Path) -> list[str]:
    from safetensors.torch import load_file

    then, now = load_file(old / adapters.WEIGHTS), load_file(new / adapters.WEIGHTS)
    if then.keys() != now.keys():
        return [f"{adapters.WEIGHTS}: other tensors"]
    gaps = {name: _gap(then[name], now[name]) for name in then}
    worst = max(gaps, key=lambda name: gaps[name])
    count = sum(gap > 0 for gap in gaps.values())
    if not count:
        return []
    return [f"{count} of {len(gaps)} tensors differ, by {gaps[worst]:.2g} at most ({worst})"]


def _gap(then: Any, now: Any) -> float:
    return float((then - now).abs().max()) if then.shape == now.shape else float("inf")
