"""deployments: what is served now, and what was served before."""

from datetime import UTC, datetime

import dagster as dg

from assets import reporting, training_sets
from assets.lineage import champion, registry_of, trained, verdicts_on
from lake import warehouse
from lake.errors import DeploymentError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models.adapters import served_name
from models.registry import Registry
from models.serving import client

PROBE = [{"role": "user", "content": "Привет!"}]


@dg.asset(group_name="deployments", kinds={"fastapi"}, deps=["evaluations_verdicts"])
def deployments_history(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """Serve the adapter that passed the gate: load, warm, probe, switch, and write it down."""
    planned = training_sets.plan(lake, settings)
    adapter = trained(lake, planned) if planned else None
    verdicts = verdicts_on(lake, adapter["adapter_id"]) if adapter else []
    if planned is None or adapter is None or not verdicts or not verdicts[-1]["passed"]:
        raise DeploymentError(
            "No adapter has passed the gate.", hint="`steppe show adapters` tells why"
        )
    before = champion(lake, planned.base.base_id)
    serving = served_name(before) if before else ""
    with client.running_or_temporary(settings, base=planned.base.path, deployed=serving) as server:
        switched = server.deploy(served_name(adapter["adapter_id"]), probe=PROBE)
    row = {
        "deployment_id": content_id(
            "deployment",
            adapter["adapter_id"],
            verdicts[-1]["evaluation_id"],
            str(len(lake.rows("deployments_history"))),
        ),
        "served_name": served_name(adapter["adapter_id"]),
        "adapter_id": adapter["adapter_id"],
        "from_adapter_id": before,
        "evaluation_id": verdicts[-1]["evaluation_id"],
        "decided_by": "gate",
        "reason": f"{verdicts[-1]['improvement']:+.3f} nats a token on held-out dialogues",
        "probe_difference": float(switched["probe_difference"]),
        "deployed_at": datetime.now(UTC),
    }
    by = reporting.provenance(context, "deployments_history", verdicts[-1]["policy_id"])
    lake.append("deployments_history", [row], day=datetime.now(UTC).date(), by=by)
    warehouse.publish(lake)
    crown(registry_of(settings), adapter["adapter_id"])
    return reporting.materialized(
        "deployments_history",
        1,
        lake.version("deployments_history"),
        fingerprint=row["deployment_id"],
        served_name=row["served_name"],
        probe_difference=row["probe_difference"],
    )


def crown(registry: Registry, adapter_id: str) -> None:
    """Move the aliases: the champion of before is `previous`, this adapter `champion`."""
    reigning = registry.alias("champion")
    if reigning == adapter_id:
        return
    if reigning:
        registry.set_alias("previous", reigning)
    registry.set_alias("champion", adapter_id)
    registry.clear_alias("challenger")
