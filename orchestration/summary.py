"""What a turn made, in words: read from the lake, so that it says what is, not what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assets.lineage import PERSON, decisions, deployed
from lake import query
from lake.settings import Settings
from lake.tables import Lake
from models.adapters import SHORT_ID, served_name
from orchestration.turn import Turn

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """Lines for a person; `examples` are (question, answer before, answer after)."""

    funnel: list[dict[str, Any]]
    base_line: str
    adapter_line: str
    score_lines: list[str]
    verdict_line: str
    reasons: list[str]
    served_line: str
    examples: list[tuple[str, str, str]]
    seconds: Mapping[str, float]


def of(turn: Turn, settings: Settings) -> Summary:
    """Return the summary of a turn on a home."""
    lake = Lake(settings.home)
    decided = decisions(lake, turn.adapter_id) if turn.adapter_id else []
    verdict = decided[-1] if decided else None
    judged = next((row for row in reversed(decided) if row["decided_by"] != PERSON), None)
    return Summary(
        funnel=funnel(lake),
        base_line=_base_line(turn),
        adapter_line=_adapter_line(lake, turn),
        score_lines=_score_lines(lake, judged),
        verdict_line=_verdict_line(verdict),
        reasons=list(verdict["reasons"]) if verdict else [],
        served_line=_served_line(lake),
        examples=_examples(lake, judged),
        seconds=turn.seconds,
    )


def funnel(lake: Lake) -> list[dict[str, Any]]:
    """Return what became of every record, over all days."""
    return query.ask(
        lake,
        "select stage, fate, reason, sum(records)::bigint as records from cleaning_funnel "
        "group by all order by stage, fate, records desc, reason",
    )


def _base_line(turn: Turn) -> str:
    if turn.base is None:
        return "none"
    exact = turn.base.report.get("primer", {}).get("overall")
    known = f", {100 * exact:.1f} % exact on unseen primer dialogues" if exact is not None else ""
    return f"{turn.base.name} {turn.base.base_id[:SHORT_ID]}{known}"


def _adapter_line(lake: Lake, turn: Turn) -> str:
    rows = lake.rows("adapters_versions", where=f"adapter_id = '{turn.adapter_id}'")
    if not rows:
        return "none yet: there is nothing to train on"
    row = rows[0]
    return (
        f"{served_name(row['adapter_id'])}  recipe {row['recipe']}, {row['train_rows']:,} rows, "
        f"{row['seconds']:.0f} s, loss {row['train_loss']:.3f}, sha256 {row['sha256'][:16]}…"
    )


def _score_lines(lake: Lake, verdict: Mapping[str, Any] | None) -> list[str]:
    if verdict is None:
        return []
    rows = lake.rows("evaluations_scores", where=f"evaluation_id = '{verdict['evaluation_id']}'")
    shown = [("exact", "exact"), ("held_out", "nats_per_token"), ("anchor", "exact")]
    return [line for suite, metric in shown if (line := _score_line(rows, verdict, suite, metric))]


def _score_line(
    rows: list[dict[str, Any]], verdict: Mapping[str, Any], suite: str, metric: str
) -> str:
    found = {r["model_id"]: r for r in rows if (r["suite"], r["metric"]) == (suite, metric)}
    old = found.get(verdict["champion_id"] or "base")
    new = found.get(verdict["adapter_id"])
    if not old or not new:
        return ""
    return f"{suite} {metric} (n {new['n']}): {_interval(old)} → {_interval(new)}"


def _interval(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _verdict_line(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None:
        return "nothing to judge"
    if verdict["decided_by"] == PERSON:
        return "[green]promoted[/] by a person" if verdict["passed"] else "[red]held[/] by a person"
    against = served_name(verdict["champion_id"]) if verdict["champion_id"] else "the bare base"
    word = "[green]passed[/]" if verdict["passed"] else "[red]refused[/]"
    return f"{word} against {against}"


def _served_line(lake: Lake) -> str:
    row = deployed(lake)
    return (
        f"{row['served_name']} since {row['deployed_at']:%Y-%m-%d %H:%M} UTC"
        if row
        else "the bare base"
    )


def _examples(lake: Lake, verdict: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Return questions the challenger answers rightly and the champion did not."""
    if verdict is None:
        return []
    rows = lake.rows(
        "evaluations_samples",
        where=f"evaluation_id = '{verdict['evaluation_id']}' and suite = 'exact'",
    )
    old = {r["item_id"]: r for r in rows if r["model_id"] != verdict["adapter_id"]}
    new = [r for r in rows if r["model_id"] == verdict["adapter_id"] and r["item_id"] in old]
    told = [r for r in new if r["score"] > old[r["item_id"]]["score"]] or new
    return [
        (r["prompt"], old[r["item_id"]]["answer"], r["answer"])
        for r in told[:: max(1, len(told) // EXAMPLES)][:EXAMPLES]
    ]
