"""Who is champion, from whom an adapter learned on, what was decided: questions to the tables."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lake.errors import DeploymentError
from lake.settings import Settings
from lake.tables import Lake
from models.adapters import served_name
from models.registry import Registry

GATE, PERSON = "gate", "person"
Row = dict[str, Any]


def deployed(lake: Lake) -> Row | None:
    """Return the newest row of `deployments_history` for everyone: what is served, in truth."""
    rows = [row for row in _history(lake) if row["share"] is None]
    return rows[-1] if rows else None


def on_canary(lake: Lake, base_id: str) -> tuple[str, float]:
    """Return the adapter that is tried on a share of people, and the share; "" and 0 for none.

    Whoever is served to everyone afterwards ends it.
    """
    rows = _history(lake)
    last = rows[-1] if rows else None
    if last is None or not last["share"] or last["adapter_id"] not in of_base(lake, base_id):
        return "", 0.0
    return str(last["adapter_id"]), float(last["share"])


def champion(lake: Lake, base_id: str) -> str:
    """Return the champion's adapter id, empty while the bare base reigns.

    An adapter trained for another base is no champion of this one.
    """
    row = deployed(lake)
    return str(row["adapter_id"]) if row and row["adapter_id"] in of_base(lake, base_id) else ""


def served_before(lake: Lake, base_id: str) -> str:
    """Return the newest adapter that was served before the champion and is not held, or ""."""
    reigning, ours = champion(lake, base_id), of_base(lake, base_id)
    for row in reversed(_history(lake)):
        adapter_id = str(row["adapter_id"]) if row["share"] is None else ""
        if adapter_id in ours and adapter_id != reigning and not _is_held(lake, adapter_id):
            return adapter_id
    return ""


def of_base(lake: Lake, base_id: str) -> set[str]:
    """Return the ids of every adapter that was trained for a base."""
    return {r["adapter_id"] for r in lake.rows("adapters_versions", where=f"base_id = '{base_id}'")}


def learns_on_from(lake: Lake, base_id: str, recipe_id: str) -> str:
    """Return the adapter that a recipe which learns on begins from, empty for the bare base.

    That is the champion, or, where this very recipe made it, the one that it began from: else
    every adapter that is served would ask for another one.
    """
    known = {row["adapter_id"]: row for row in lake.rows("adapters_versions")}
    found = champion(lake, base_id)
    while found in known and known[found]["recipe_id"] == recipe_id:
        found = str(known[found]["parent_adapter_id"] or "")
    return found


def registry_of(settings: Settings) -> Registry:
    """Return the MLflow registry of this home."""
    return Registry(settings.home / "mlflow")


def decisions(lake: Lake, adapter_id: str = "") -> list[Row]:
    """Return what the gate and people decided, on one adapter or on all, oldest first."""
    where = f"adapter_id = '{adapter_id}'" if adapter_id else ""
    rows = lake.rows("evaluations_verdicts", where=where)
    return sorted(rows, key=lambda r: (r["decided_at"], r["evaluation_id"]))


def standing(lake: Lake, adapter_id: str) -> Row | None:
    """Return the newest decision on an adapter that counts."""
    counted = [r for r in decisions(lake, adapter_id) if _counts(r)]
    return counted[-1] if counted else None


def elected(lake: Lake, base_id: str) -> Row | None:
    """Return the decision by which somebody should be served: the newest that let one through.

    A later word against the same adapter takes it back.  Without any, None; the bare base has
    the empty id.
    """
    ours = {*of_base(lake, base_id), ""}
    newest = {r["adapter_id"]: r for r in decisions(lake) if r["adapter_id"] in ours and _counts(r)}
    passed = [r for r in newest.values() if r["passed"]]
    return max(passed, key=lambda r: (r["decided_at"], r["evaluation_id"]), default=None)


def candidate(lake: Lake, crowned: str, base_id: str, evaluation_id: str) -> int:
    """Return which challenger of this champion an evaluation is, counting from 1.

    The same judgement taken again is no further one; another look at the same adapter, on items
    that changed, is.
    """
    ours = of_base(lake, base_id)
    asked = [
        r["evaluation_id"]
        for r in decisions(lake)
        if r["champion_id"] == crowned and r["decided_by"] != PERSON and r["adapter_id"] in ours
    ]
    return asked.index(evaluation_id) + 1 if evaluation_id in asked else len(asked) + 1


def find(settings: Settings, lake: Lake, words: str) -> str:
    """Return the adapter id that a person means: its beginning, its served name, or an alias.

    Raise `DeploymentError` with the nearest one where there is none, or more than one.
    """
    known = [r["adapter_id"] for r in lake.rows("adapters_versions")]
    if words in ("champion", "challenger", "previous") and known:
        return _by_alias(settings, words)
    wanted = words.removeprefix("steppe@").lower()
    found = [adapter_id for adapter_id in known if wanted and adapter_id.startswith(wanted)]
    if len(found) == 1:
        return str(found[0])
    if found:
        several = ", ".join(served_name(f) for f in sorted(found))
        raise DeploymentError(f"`{words}` may be {several}.", hint="give more of its digits")
    raise DeploymentError(f"There is no adapter `{words}`.", hint=_nearest(wanted, known))


def _by_alias(settings: Settings, alias: Any) -> str:
    if adapter_id := registry_of(settings).alias(alias):
        return adapter_id
    raise DeploymentError(f"No adapter is `{alias}`.", hint="`steppe show adapters` lists them")


def _nearest(wanted: str, known: Collection[str]) -> str:
    names = [served_name(adapter_id) for adapter_id in known]
    close = difflib.get_close_matches(f"steppe@{wanted}", names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return "`steppe show adapters` lists them" if known else "`steppe grow` trains the first one"


def adapter_folder(settings: Settings, adapter_id: str) -> Path:
    """Return where an adapter's files lie."""
    return settings.models_dir / "adapters" / adapter_id


def _history(lake: Lake) -> list[Row]:
    rows = lake.rows("deployments_history")
    return sorted(rows, key=lambda r: (r["deployed_at"], r["deployment_id"]))


def _is_held(lake: Lake, adapter_id: str) -> bool:
    row = standing(lake, adapter_id)
    return row is not None and row["decided_by"] == PERSON and not row["passed"]


def _counts(row: Mapping[str, Any]) -> bool:
    """Say whether a decision counts: a person's always, the gate's by today's policy."""
    from models import gate

    return row["decided_by"] == PERSON or row["policy_id"] == gate.load_policy().policy_id
