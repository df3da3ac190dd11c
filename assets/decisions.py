"""A person's word on an adapter: kept beside the gate's verdicts, with its reason, as one row.

The newest row of an adapter is what stands, so a word overrides the gate until the gate judges
anew, and nothing is ever rewritten.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from assets import lineage
from lake import warehouse
from lake.errors import DeploymentError
from lake.ids import content_id
from lake.tables import Lake, Provenance
from models.adapters import served_name

PERSON, GATE = lineage.PERSON, lineage.GATE


def hold(lake: Lake, adapter_id: str, reason: str) -> dict[str, Any]:
    """Keep an adapter from being served, whatever the gate said; return the row."""
    return _record(lake, adapter_id, passed=False, words=f"held by a person: {reason}")


def release(lake: Lake, adapter_id: str, reason: str) -> dict[str, Any]:
    """Let an adapter be served; against the gate's word or without it a reason is needed.

    An adapter that stands passed needs no row: the one that stands is returned.
    """
    standing = lineage.standing(lake, adapter_id)
    if standing and standing["passed"]:
        return standing
    said = _why_not(standing)
    if not reason:
        raise DeploymentError(
            f"`{served_name(adapter_id)}` may not be served: {said}.",
            hint='`steppe verdict` tells why; to serve it all the same, say --reason "..."',
        )
    against = ", ".join(standing["failed"]) if standing and standing["failed"] else said
    words = f"promoted by a person ({against}): {reason}"
    return _record(lake, adapter_id, passed=True, words=words)


def _why_not(standing: dict[str, Any] | None) -> str:
    if standing is None:
        return "it was never judged"
    return "the gate refused it" if standing["decided_by"] != PERSON else "it is held by a person"


def renew(lake: Lake, adapter_id: str, reason: str) -> dict[str, Any]:
    """Say again that an adapter that passed is to be served, though another one passed since."""
    words = f"promoted by a person: {reason or 'it passed the gate'}"
    return _record(lake, adapter_id, passed=True, words=words)


def roll_back(lake: Lake, base_id: str, reason: str) -> str:
    """Hold the champion and let the one before it be served again; return its id.

    The one before is the newest that was served and is not held; the bare base if there is none.
    """
    reigning = lineage.champion(lake, base_id)
    if not reigning:
        raise DeploymentError(
            "The bare base is served: there is nothing to roll back.", hint="`steppe verdict`"
        )
    before = lineage.served_before(lake, base_id)
    hold(lake, reigning, reason or "rolled back")
    words = f"rolled back from {served_name(reigning)}: {reason or 'no reason given'}"
    _record(lake, before, passed=True, words=words)
    return before


def _record(lake: Lake, adapter_id: str, *, passed: bool, words: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    row = {
        "evaluation_id": content_id("decision", adapter_id, now.isoformat(), words),
        "adapter_id": adapter_id,
        "champion_id": "",
        "passed": passed,
        "reasons": [words],
        "failed": [],
        "policy_id": "",
        "improvement": None,
        "low": None,
        "high": None,
        "candidate": None,
        "alpha": None,
        "decided_by": PERSON,
        "decided_at": now,
        "tokens": None,
        "seconds": None,
        "cpu_seconds": None,
    }
    lake.append("evaluations_verdicts", [row], day=now.date(), by=Provenance("evaluations"))
    warehouse.publish(lake)
    return row
