"""Who is champion, which adapter a training set made, where it lies: questions to the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assets.training_sets import TrainingSet
from lake.settings import Settings
from lake.tables import Lake
from models.registry import Registry


def deployed(lake: Lake) -> dict[str, Any] | None:
    """Return the newest row of `deployments_history`: the truth about what is served."""
    rows = lake.rows("deployments_history")
    return max(rows, key=lambda r: (r["deployed_at"], r["deployment_id"])) if rows else None


def champion(lake: Lake, base_id: str) -> str:
    """Return the champion's adapter id, empty while the bare base reigns.

    An adapter trained for another base is no champion of this one.
    """
    row = deployed(lake)
    if row is None:
        return ""
    known = lake.rows("adapters_versions", where=f"adapter_id = '{row['adapter_id']}'")
    return str(row["adapter_id"]) if any(r["base_id"] == base_id for r in known) else ""


def registry_of(settings: Settings) -> Registry:
    """Return the MLflow registry of this home."""
    return Registry(settings.home / "mlflow")


def trained(lake: Lake, planned: TrainingSet) -> dict[str, Any] | None:
    """Return the adapter that this training set, recipe and base made, if they did already."""
    rows = lake.rows(
        "adapters_versions",
        where=f"training_set_id = '{planned.training_set_id}' "
        f"and recipe_id = '{planned.recipe.recipe_id}' and base_id = '{planned.base.base_id}'",
    )
    return rows[0] if rows else None


def verdicts_on(lake: Lake, adapter_id: str) -> list[dict[str, Any]]:
    """Return the gate's decisions on an adapter by today's policy, oldest first."""
    from models import gate

    policy_id = gate.load_policy().policy_id
    rows = lake.rows(
        "evaluations_verdicts", where=f"adapter_id = '{adapter_id}' and policy_id = '{policy_id}'"
    )
    return sorted(rows, key=lambda r: r["decided_at"])


def adapter_folder(settings: Settings, adapter_id: str) -> Path:
    """Return where an adapter's files lie."""
    return settings.models_dir / "adapters" / adapter_id
