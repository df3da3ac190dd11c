"""One judgement: who against whom on which items, its rows, and the page that shows it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assets import exams, lineage, plots, web
from lake import query
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models.adapters import served_name
from models.base import BaseModel
from models.evaluation import Evaluation, Result, anchor, held_out, pairwise
from models.evaluation.pairwise import POINTS, Judgement
from models.evaluation.ratings import Match, bradley_terry
from models.evaluation.run import Items

if TYPE_CHECKING:
    from models.gate import Policy, Verdict

BASE = "base"
"""The model id under which the bare base's scores are kept."""
LEADERS = 15
"""Models a leaderboard shows."""


@dataclass(frozen=True, slots=True)
class About:
    """What is judged; `candidate` counts the challengers since the champion was crowned."""

    evaluation_id: str
    adapter_id: str
    champion_id: str
    items: Items
    candidate: int

    def verdict_row(self, lake: Lake) -> dict[str, Any] | None:
        """Return the gate's decision, if this very judgement was taken already."""
        wanted = f"evaluation_id = '{self.evaluation_id}'"
        rows = lake.rows("evaluations_verdicts", where=wanted)
        return rows[0] if rows else None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a judgement cost, both models together; None where nobody measured."""

    tokens: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None


class Stopwatch:
    """Wall and CPU seconds of this process from its making on."""

    def __init__(self) -> None:
        self.started, self.cpu_started = time.monotonic(), time.process_time()

    def spent(self, tokens: int) -> Spent:
        """Return the time since, with the tokens that it took."""
        now, cpu_now = time.monotonic(), time.process_time()
        return Spent(tokens, now - self.started, cpu_now - self.cpu_started)


def prepare(
    lake: Lake, settings: Settings, adapter: Mapping[str, Any], base: BaseModel, policy: Policy
) -> About:
    """Return what judging an adapter against today's champion of its base would be."""
    adapter_id, crowned = adapter["adapter_id"], lineage.champion(lake, base.base_id)
    items = exams.items(lake, settings, [adapter_id, crowned], policy)
    fingerprint = exams.fingerprint(items)
    judge = settings.judge.model_dump_json(exclude={"api_key", "timeout_seconds"})
    evaluation_id = content_id(
        "evaluation", adapter_id, crowned, policy.policy_id, judge, fingerprint
    )
    candidate = lineage.candidate(lake, crowned, base.base_id, evaluation_id)
    return About(evaluation_id, adapter_id, crowned, items, candidate)


def rows(
    about: About,
    champion: Evaluation,
    challenger: Evaluation,
    verdict: Verdict,
    spent: Spent = Spent(),
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the three tables, by table."""
    both = {about.champion_id or BASE: champion, about.adapter_id: challenger}
    one = {"evaluation_id": about.evaluation_id, "adapter_id": about.adapter_id}
    samples = [
        {
            **one,
            "model_id": name,
            "suite": s.suite,
            "item_id": s.item_id,
            "prompt": s.prompt,
            "expected": s.expected,
            "answer": s.answer,
            "score": float(s.score),
        }
        for name, scored in both.items()
        for s in scored.samples
    ]
    scores = [
        {
            **one,
            "model_id": name,
            "suite": s.suite,
            "metric": s.metric,
            "value": float(s.value),
            "low": float(s.low),
            "high": float(s.high),
            "n": int(s.n),
            "coverage": float(s.coverage),
        }
        for name, scored in both.items()
        for s in scored.scores
    ]
    return {
        "evaluations_samples": samples,
        "evaluations_scores": scores,
        "evaluations_verdicts": [_decision(one, about, verdict) | asdict(spent)],
    }


def _decision(one: dict[str, Any], about: About, verdict: Verdict) -> dict[str, Any]:
    return {
        **one,
        "champion_id": about.champion_id,
        "passed": verdict.passed,
        "reasons": list(verdict.reasons),
        "failed": list(verdict.failed),
        "policy_id": verdict.policy_id,
        "improvement": _measured(verdict.improvement),
        "low": _measured(verdict.low),
        "high": _measured(verdict.high),
        "candidate": verdict.candidate,
        "alpha": verdict.alpha,
        "decided_by": lineage.GATE,
        "decided_at": datetime.now(UTC),
    }


def _measured(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def tags(verdict: Verdict) -> dict[str, str]:
    """Return what MLflow shows beside a version."""
    interval = f"[{verdict.low:+.4f}, {verdict.high:+.4f}]"
    return {
        "verdict": "passed" if verdict.passed else "refused",
        "verdict.failed": ", ".join(verdict.failed) or "nothing",
        "verdict.improvement": f"{verdict.improvement:+.4f} {interval}",
        "verdict.candidate": str(verdict.candidate),
        "verdict.policy_id": verdict.policy_id,
    }


def page(
    lake: Lake,
    about: About,
    champion: Evaluation,
    challenger: Evaluation,
    *,
    verdict: Verdict,
    judged: Sequence[Judgement] = (),
) -> web.Page:
    """Return the page of a judgement: the verdict, every rule, and the pictures."""
    against = served_name(about.champion_id) if about.champion_id else "the bare base"
    word = "passed" if verdict.passed else "refused"
    rated = ratings(lake, judged)
    pictures = [
        plots.differences(
            saved(champion, challenger),
            (verdict.improvement, verdict.low, verdict.high),
            "nats a token saved, a dot a held-out dialogue",
        ),
        plots.trade([*_judged(lake), _point(about, champion, challenger, verdict)]),
        plots.intervals(
            _leaderboard(lake, about, champion, challenger), "leaderboard: exact answers, 95 %"
        ),
    ]
    if rated:
        pictures.append(plots.intervals(rated, "Bradley-Terry over all judged pairs, 95 %"))
    parts = [
        f"# {served_name(about.adapter_id)} {word} against {against}",
        *(str(picture.value) for picture in pictures if picture),
        "| | rule | |\n|---|---|---|",
    ]
    lines = [
        f"| {'✓' if rule.held else '✗'} | {rule.name} | {web.cell(rule.words)} |"
        for rule in verdict.rules
    ]
    markdown = "\n\n".join(parts) + "\n" + "\n".join(lines) + "\n"
    return web.page(served_name(about.adapter_id), markdown)


def ratings(lake: Lake, judged: Sequence[Judgement]) -> list[tuple[str, float, float, float]]:
    """Return every model's rating over all opinions there are, these included, best first."""
    rows = lake.rows("evaluations_comparisons", where="choice is not null")
    known = [Match(r["first_model"], r["second_model"], POINTS[r["choice"]]) for r in rows]
    matches = [*known, *pairwise.matches(judged)]
    if not matches:
        return []
    return [(r.player[:12], r.value, r.low, r.high) for r in bradley_terry(matches)]


def saved(champion: Evaluation, challenger: Evaluation) -> list[float]:
    """Return nats a token saved of each held-out dialogue, the smallest first."""
    nothing = Result(())
    before, after = (e.results.get(held_out.SUITE, nothing).losses for e in (champion, challenger))
    shared = before.keys() & after.keys()
    return sorted((before[i].sum_nats - after[i].sum_nats) / before[i].tokens for i in shared)


def _point(
    about: About, champion: Evaluation, challenger: Evaluation, verdict: Verdict
) -> tuple[str, float, float, bool]:
    lost = anchor.lost(champion, challenger, seed=0)["exact"]
    return served_name(about.adapter_id), verdict.improvement, lost.value, verdict.passed


def _judged(lake: Lake) -> list[tuple[str, float, float, bool]]:
    """Return earlier judgements as (name, gain, forgotten, passed)."""
    found = query.ask(
        lake,
        "select * from forgetting where improvement is not null and forgotten is not null "
        "order by decided_at desc limit 30",
    )
    return [
        (served_name(r["adapter_id"]), r["improvement"], r["forgotten"], r["passed"]) for r in found
    ]


def _leaderboard(
    lake: Lake, about: About, champion: Evaluation, challenger: Evaluation
) -> list[tuple[str, float, float, float]]:
    """Return each model's newest share of exact answers with its interval, best first."""
    found = query.ask(
        lake,
        "select s.model_id, s.value, s.low, s.high from evaluations_scores s "
        "join evaluations_verdicts v using (evaluation_id) "
        "where s.suite = 'exact' and s.metric = 'exact' order by v.decided_at",
    )
    newest = {r["model_id"]: (r["value"], r["low"], r["high"]) for r in found}
    for name, scored in ((about.champion_id or BASE, champion), (about.adapter_id, challenger)):
        if score := scored.score("exact", "exact"):
            newest[name] = (score.value, score.low, score.high)
    rows = [(name[:12], *values) for name, values in newest.items()]
    return sorted(rows, key=lambda row: -row[1])[:LEADERS]
