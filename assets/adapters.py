"""adapters: training sets, and the QLoRA adapters learned from them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets import plots, reporting, training_sets
from assets.compute import GpuCompute, needs_gpu
from assets.lineage import adapter_folder, registry_of
from lake import warehouse
from lake.errors import DataError, TrainingFailed
from lake.settings import Settings
from lake.tables import Lake
from models.registry import DatasetReference, ModelVersion

TEACHERS = (
    *("cleaned_dialogues", "cleaned_preferences", "embeddings_duplicates"),
    *("self_chats_dialogues", "self_chats_preferences", "base_model"),
)
SETS = {
    "adapters_left_out": "One row that a training set could have held and does not.",
    "adapters_training_sets": "One row of one training set.",
}
NOTHING_YET = DataError(
    "There is nothing to train on: no dialogue or choice of the split `train`, or no base.",
    hint="`steppe ingest PATH`, then `steppe grow`",
)


@dg.multi_asset(
    name="adapters_training_sets",
    specs=[
        dg.AssetSpec(name, deps=TEACHERS, kinds={"delta"}, description=words)
        for name, words in SETS.items()
    ],
    group_name="adapters",
)
def adapters_training_sets(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Freeze the rows the next adapter learns from: the recipe's mixture of the lake as it is."""
    from assets import manifests, set_pages

    planned = training_sets.plan(lake, settings)
    if planned is None:
        raise NOTHING_YET
    set_id = planned.training_set_id
    by = reporting.provenance(context, "adapters_training_sets", planned.recipe.recipe_id)
    if not manifests.is_frozen(lake, set_id):
        today = datetime.now(UTC).date()
        left_out = training_sets.left_out_rows(planned)
        lake.append("adapters_left_out", left_out, day=today, by=by)
        # the manifest last: with it the set is there
        rows = training_sets.table_rows(planned, lake)
        lake.append("adapters_training_sets", rows, day=today, by=by)
        warehouse.publish(lake)
    frozen = manifests.Manifest.of(lake, set_id)
    page = set_pages.page(frozen)
    set_pages.write(page, settings.models_dir / "training_sets" / f"{set_id}.html")
    counts = {"adapters_left_out": len(frozen.left_out), "adapters_training_sets": len(frozen.rows)}
    for table, count in counts.items():
        yield reporting.materialized(
            table,
            count,
            lake.version(table),
            fingerprint=set_id,
            training_set_id=set_id,
            report=dg.MetadataValue.md(page.markdown),
        )


@dg.asset(
    group_name="adapters",
    kinds={"peft", "mlflow"},
    deps=["adapters_training_sets", "base_model"],
    check_specs=[dg.AssetCheckSpec("loss_finite", asset="adapters_versions")],
    **needs_gpu(1),
)
def adapters_versions(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
    gpu: GpuCompute,
) -> Iterator[Any]:
    """Train the adapter of the newest training set in a process of its own, and register it."""
    planned = training_sets.plan(lake, settings)
    if planned is None:
        raise NOTHING_YET
    session = gpu.run(
        context, "models.train", extras={"request": _request(lake, settings, planned)}
    )
    report = _report(session.get_custom_messages())
    version = registry_of(settings).register(
        adapter_folder(settings, report["adapter_id"]),
        report,
        _dataset(lake, planned),
        metrics=_predicted(report),
        tags={"profile": settings.profile, "dagster_run_id": context.run_id},
    )
    by = reporting.provenance(context, "adapters_versions", planned.recipe.recipe_id)
    row, today = _row(report, planned, version), datetime.now(UTC).date()
    lake.append("adapters_versions", [row], day=today, by=by)  # once, whichever sets made it
    lake.append("adapters_trainings", [_training(row)], day=today, by=by)
    warehouse.publish(lake)
    yield from (r for r in session.get_results() if isinstance(r, dg.AssetCheckResult))
    yield reporting.materialized(
        "adapters_versions",
        1,
        lake.version("adapters_versions"),
        fingerprint=report["adapter_id"],
        adapter_id=report["adapter_id"],
        sha256=report["sha256"],
        train_loss=report["train_loss"],
        seconds=report["seconds"],
        rows_trained=report["rows_trained"],
        rows_dropped=report["rows_dropped"],
        **_predicted(report),
        peak_memory_bytes=report["peak_memory_bytes"],
        tokens_per_second=report["tokens_per_second"],
        memory_retries=report["memory_retries"],
        loss_curve=plots.line([tuple(p) for p in report["losses"]], "training loss by step"),
    )


def _request(lake: Lake, settings: Settings, planned: training_sets.TrainingSet) -> dict[str, Any]:
    """Return what the trainer is asked, with the frozen rows written where it can read them."""
    wanted = f"training_set_id = '{planned.training_set_id}'"
    frozen = lake.rows("adapters_training_sets", where=wanted)
    if len(frozen) != len(planned.rows):
        raise DataError(
            "The lake changed since the training set was frozen.",
            hint="materialize `adapters_training_sets` again, then this",
        )
    folder, parent = settings.models_dir / "training_sets", planned.parent_adapter_id
    path = training_sets.write_rows(frozen, folder / f"{planned.training_set_id}.jsonl")
    return {
        "base_path": str(planned.base.path),
        "base_id": planned.base.base_id,
        "base_model": planned.base.name,
        "recipe": planned.recipe.model_dump(mode="json"),
        "rows_path": str(path),
        "adapters_dir": str(settings.models_dir / "adapters"),
        "training_set_id": planned.training_set_id,
        "parent_adapter": str(adapter_folder(settings, parent)) if parent else "",
        "conditions": _measured_before(lake, planned),
    }


def _measured_before(lake: Lake, planned: training_sets.TrainingSet) -> dict[str, Any]:
    """Return how fast this recipe ran on this base, and where, so that its end can be foretold."""
    same = f"base_id = '{planned.base.base_id}' and recipe_id = '{planned.recipe.recipe_id}'"
    rows = [r for r in lake.rows("adapters_versions", where=same) if r["tokens"] and r["seconds"]]
    if not rows:
        return {}
    newest = max(rows, key=lambda row: row["created_at"])
    speed = newest["tokens"] / newest["seconds"]
    return {"tokens_per_second": speed, "measured_on": newest["device"] or ""}


def _dataset(lake: Lake, planned: training_sets.TrainingSet) -> DatasetReference:
    name = "adapters_training_sets"
    return DatasetReference(name, str(lake.path(name)), lake.version(name), planned.training_set_id)


def _report(messages: Any) -> dict[str, Any]:
    for message in messages:
        if message.get("event") == "done":
            return dict(message["report"])
    raise TrainingFailed(
        "The trainer ended without a report.", hint="read the run's log in the Dagster UI"
    )


def _predicted(report: dict[str, Any]) -> dict[str, float]:
    """Return what was expected, under the names of what was measured."""
    names = ("seconds", "tokens", "peak_memory_bytes")
    expected = report["predicted"]
    return {f"predicted_{n}": expected[n] for n in names if expected.get(n) is not None}


def _training(row: dict[str, Any]) -> dict[str, Any]:
    names = ("training_set_id", "adapter_id")
    return {**{name: row[name] for name in names}, "trained_at": row["created_at"]}


def _row(
    report: dict[str, Any], planned: training_sets.TrainingSet, version: ModelVersion
) -> dict[str, Any]:
    return {
        "adapter_id": report["adapter_id"],
        "base_id": report["base_id"],
        "base_model": report["base_model"],
        "recipe": planned.recipe.name,
        "recipe_id": report["recipe_id"],
        "method": planned.recipe.method,
        "training_set_id": planned.training_set_id,
        "parent_adapter_id": report["parent_adapter_id"],
        "sha256": report["sha256"],
        "template_id": report["template_id"],
        "mlflow_version": str(version.version),
        "mlflow_run_id": version.run_id,
        "train_rows": report["rows_trained"],
        "train_loss": report["train_loss"],
        "tokens": report["tokens"],
        "seconds": report["seconds"],
        "cpu_seconds": report["cpu_seconds"],
        "energy_joules": report.get("energy_joules"),
        "device": report["device"],
        "peak_memory_bytes": report["peak_memory_bytes"],
        "created_at": datetime.now(UTC),
    }
