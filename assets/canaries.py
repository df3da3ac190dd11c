"""An adapter tried on a share of people: served beside the champion, with its row of history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from assets import deployments, lineage
from lake import warehouse
from lake.errors import DeploymentError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.adapters import served_name
from models.base import BaseModel
from models.serving import client

BY = Provenance("deployments_history")


def begin(
    lake: Lake, settings: Settings, base: BaseModel, adapter_id: str, *, share: float, reason: str
) -> dict[str, Any]:
    """Serve an adapter that may be served to a share of people; return its row of history."""
    standing = lineage.standing(lake, adapter_id)
    if not standing or not standing["passed"]:
        raise DeploymentError(
            f"`{served_name(adapter_id)}` may not be served, to nobody.",
            hint="`steppe verdict` tells why; `steppe promote` with a reason overrides the gate",
        )
    if adapter_id == lineage.champion(lake, base.base_id):
        raise DeploymentError(
            f"`{served_name(adapter_id)}` is served to everyone.", hint="try another one"
        )
    expected = deployments.first_token(settings, base, adapter_id)
    with client.running_or_temporary(settings) as server:
        tried = server.canary(
            served_name(adapter_id), share=share, probe=deployments.PROBE, expected=expected
        )
    evaluation = str(standing["evaluation_id"])
    return _record(lake, base, adapter_id, evaluation, share=share, reason=reason, switched=tried)


def end(lake: Lake, settings: Settings, base: BaseModel, reason: str) -> dict[str, Any]:
    """Let everyone be answered by the champion again; return the row of history."""
    adapter_id, _ = lineage.on_canary(lake, base.base_id)
    if not adapter_id:
        raise DeploymentError("Nothing is tried on anybody.", hint="`steppe canary ADAPTER`")
    with client.running_or_temporary(settings) as server:
        ended = server.canary(deployments.BASE, share=0.0, probe=deployments.PROBE)
    return _record(lake, base, adapter_id, "", share=0.0, reason=reason, switched=ended)


def _record(
    lake: Lake,
    base: BaseModel,
    adapter_id: str,
    evaluation_id: str,
    *,
    share: float,
    reason: str,
    switched: dict[str, Any],
) -> dict[str, Any]:
    at = datetime.fromisoformat(switched["at"])
    row = {
        "deployment_id": content_id("canary", adapter_id, at.isoformat()),
        "served_name": served_name(adapter_id),
        "adapter_id": adapter_id,
        "from_adapter_id": lineage.champion(lake, base.base_id),
        "evaluation_id": evaluation_id,
        "decided_by": lineage.PERSON,
        "reason": reason,
        "probe_difference": switched["probe_difference"] if share else None,
        "share": share,
        "deployed_at": at,
    }
    lake.append("deployments_history", [row], day=at.date(), by=BY)
    warehouse.publish(lake)
    return row
