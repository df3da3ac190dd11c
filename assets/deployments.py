"""deployments: what is served now, what was served before, and what was answered."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets import answered, fingerprints, plots, reporting
from assets.lineage import PERSON, adapter_folder, champion, elected, registry_of
from lake import query, warehouse
from lake.errors import DeploymentError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models.adapters import served_name
from models.registry import Registry
from models.serving import client
from models.serving.probing import PROBED, by_text

ANSWERS = answered.TABLE
SHOWN = ("served_name", "role", "people", "answers", "whole", "failed", "judged", "seconds_p50")
BASE = "base"  # the server's name for no adapter at all
PROBE = [{"role": "user", "content": "Привет!"}]


@dg.asset(group_name="deployments", kinds={"fastapi"}, deps=["evaluations_verdicts"])
def deployments_history(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """Serve what the newest decision lets through: load, warm, probe, switch, write it down."""
    base = bases.find_base(settings.base_model, settings.models_dir)
    decision = elected(lake, base.base_id) if base else None
    before = champion(lake, base.base_id) if base else ""
    if base is None or decision is None or decision["adapter_id"] == before:
        raise DeploymentError(
            "No adapter but the one that is served has passed the gate.",
            hint="`steppe verdict` tells why",
        )
    expected = first_token(settings, base, decision["adapter_id"])
    with client.running_or_temporary(settings) as server:
        switched = server.deploy(_name(decision["adapter_id"]), probe=PROBE, expected=expected)
    row = _row(lake, decision, before, switched)
    by = reporting.provenance(context, "deployments_history", decision["policy_id"])
    lake.append("deployments_history", [row], day=datetime.now(UTC).date(), by=by)
    warehouse.publish(lake)
    crown(registry_of(settings), row["adapter_id"])
    return reporting.materialized(
        "deployments_history",
        1,
        lake.version("deployments_history"),
        fingerprint=row["deployment_id"],
        served_name=row["served_name"],
        decided_by=row["decided_by"],
        probe_difference=row["probe_difference"],
    )


def first_token(settings: Settings, base: bases.BaseModel, adapter_id: str) -> dict[str, float]:
    """Return the log-probabilities of the first tokens that the trained adapter finds likeliest.

    They come from the adapter's file and the base's, by transformers: in float32 on a CPU, in
    bfloat16 on a GPU.
    """
    if not adapter_id:
        return {}
    from models.backends.embedded import TransformersModel

    model = TransformersModel(base.path, adapter_folder(settings, adapter_id), model_id=adapter_id)
    return by_text(model.first_token(PROBE, PROBED))


def _name(adapter_id: str) -> str:
    return served_name(adapter_id) if adapter_id else BASE


def _row(
    lake: Lake, decision: dict[str, Any], before: str, switched: dict[str, Any]
) -> dict[str, Any]:
    by_person = decision["decided_by"] == PERSON
    number = str(lake.arrow("deployments_history", columns="deployment_id").num_rows)
    gained = f"{decision['improvement'] or 0:+.3f} nats a token on held-out dialogues"
    return {
        "deployment_id": content_id(
            "deployment", decision["adapter_id"], decision["evaluation_id"], number
        ),
        "served_name": _name(decision["adapter_id"]),
        "adapter_id": decision["adapter_id"],
        "from_adapter_id": before,
        "evaluation_id": decision["evaluation_id"],
        "decided_by": decision["decided_by"],
        "reason": decision["reasons"][0] if by_person else gained,
        "probe_difference": float(switched["probe_difference"]),
        "share": None,
        "deployed_at": datetime.fromisoformat(switched["at"]),
    }


def crown(registry: Registry, adapter_id: str) -> None:
    """Move the aliases: the champion of before is `previous`, this adapter `champion`.

    Without an adapter the bare base reigns, and nobody is `champion`.
    """
    reigning = registry.alias("champion")
    if (reigning or "") == adapter_id:
        return
    if reigning:
        registry.set_alias("previous", reigning)
    if adapter_id:
        registry.set_alias("champion", adapter_id)
    else:
        registry.clear_alias("champion")
    registry.clear_alias("challenger")


@dg.asset(name=ANSWERS, group_name="deployments", kinds={"delta"}, deps=["raw_records"])
def deployments_answers(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """Take how answers ended out of the gateway's log: one row a request, no words of anybody."""
    by = reporting.provenance(context, ANSWERS, fingerprints.ANSWERS_CODE)
    taken = answered.take(lake, settings)
    for day, rows in taken.rows.items():
        lake.replace(ANSWERS, rows, day=day, made_from=taken.made_from[day], by=by)
    warehouse.publish(lake)
    written = sum(map(len, taken.rows.values()))
    counted = {"days_written": len(taken.rows), "forgotten": taken.forgotten, **taken.faults}
    unchanged = {} if taken.rows else {reporting.UNCHANGED: True}
    told = counted | unchanged | _figures(lake)
    return reporting.materialized(ANSWERS, written, lake.version(ANSWERS), **told)


def _figures(lake: Lake) -> dict[str, Any]:
    """Return what the mart says of each adapter, and a picture of how good people found it."""
    rows = query.ask(lake, "from served_answers")
    shown: dict[str, Any] = {"by_adapter": reporting.preview(rows, SHOWN)}
    judged = [
        (f"{row['served_name']} ({row['role']})", row["good"], row["good_low"], row["good_high"])
        for row in rows
        if row["judged"]
    ]
    if judged:
        shown["good"] = plots.intervals(judged, "share of judged answers that people found good")
    return shown
