"""evaluations: how good an adapter is beside the champion, and whether the gate lets it through."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import comparisons, judgements, reporting, training_sets
from assets.lineage import adapter_folder, registry_of
from lake import warehouse
from lake.errors import DataError
from lake.settings import Settings
from lake.tables import Lake
from models.base import BaseModel
from models.evaluation import Evaluation, pairwise
from models.evaluation.run import Items, evaluate

if TYPE_CHECKING:
    from models import gate

SPECS = {
    "evaluations_samples": "One scored item.",
    "evaluations_scores": "One metric of one evaluation, with its interval.",
    "evaluations_comparisons": "One opinion on which of two answers is better.",
    "evaluations_verdicts": "One decision of the gate or of a person, with its reasons.",
}


@dg.multi_asset(
    name="evaluations",
    specs=[
        dg.AssetSpec(name, deps=["adapters_versions"], description=words, kinds={"delta"})
        for name, words in SPECS.items()
    ],
    check_specs=[dg.AssetCheckSpec("gate", asset="evaluations_verdicts", blocking=True)],
    group_name="evaluations",
)
def evaluations(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[Any]:
    """Score the newest adapter and the champion on the same items, and judge; once."""
    from models import gate

    planned = training_sets.plan(lake, settings)
    adapter = training_sets.trained(lake, planned) if planned else None
    if planned is None or adapter is None:
        raise DataError("There is no adapter to judge.", hint="materialize `adapters_versions`")
    policy = gate.load_policy()
    about = judgements.prepare(lake, settings, adapter, planned.base, policy)
    if known := about.verdict_row(lake):
        yield from (reporting.as_it_is(lake, name, about.evaluation_id) for name in SPECS)
        yield _check(known)
        return
    watch = judgements.Stopwatch()
    champion = _score(settings, planned.base, about.champion_id, about.items, "champion")
    challenger = _score(settings, planned.base, about.adapter_id, about.items, "challenger")
    judged = _compare(settings, planned.base, about, champion, challenger)
    challenger = _with_opinions(challenger, judged)
    verdict = gate.judge(champion, challenger, policy, candidate=about.candidate)
    spent = watch.spent(champion.tokens + challenger.tokens + sum(j.tokens for j in judged))
    rows = judgements.rows(about, champion, challenger, verdict, spent)
    rows[comparisons.TABLE] = comparisons.rows(judged, about.evaluation_id)
    page = judgements.page(lake, about, champion, challenger, verdict=verdict, judged=judged)
    today = datetime.now(UTC).date()
    by = reporting.provenance(context, "evaluations", policy.policy_id)
    for name in SPECS:
        lake.append(name, rows[name], day=today, by=by)
        shown = (
            {"page": dg.MetadataValue.md(page.markdown)} if name == "evaluations_verdicts" else {}
        )
        yield reporting.materialized(
            name, len(rows[name]), lake.version(name), fingerprint=about.evaluation_id, **shown
        )
    warehouse.publish(lake)
    _tell_mlflow(settings, about.adapter_id, challenger, verdict, page.html)
    yield _check(rows["evaluations_verdicts"][0])


def _score(
    settings: Settings, base: BaseModel, adapter_id: str, items: Items, who: str
) -> Evaluation:
    report = reporting.progress("evaluations")
    return evaluate(
        base.path,
        adapter_folder(settings, adapter_id) if adapter_id else None,
        items,
        base_id=base.base_id,
        progress=lambda _, done, total: report(
            done + (total if who == "challenger" else 0), 2 * total
        ),
    )


def _compare(
    settings: Settings,
    base: BaseModel,
    about: judgements.About,
    champion: Evaluation,
    challenger: Evaluation,
) -> list[pairwise.Judgement]:
    judge = comparisons.judge_of(settings, base)
    if judge is None:
        return []
    most = settings.judge.questions
    return comparisons.compared(judge, about, champion, challenger, most=most)


def _with_opinions(challenger: Evaluation, judged: list[pairwise.Judgement]) -> Evaluation:
    """Return the evaluation with how often the challenger was found better, if anybody judged."""
    if not judged:
        return challenger
    found = pairwise.win_rate(judged, challenger.model_id)
    return replace(challenger, results={**challenger.results, pairwise.SUITE: found})


def _tell_mlflow(
    settings: Settings, adapter_id: str, scored: Evaluation, verdict: "gate.Verdict", page: str
) -> None:
    registry = registry_of(settings)
    registry.log_scores(adapter_id, scored.scores)
    registry.log_verdict(adapter_id, judgements.tags(verdict), page=page)
    if verdict.passed:
        registry.set_alias("challenger", adapter_id)


def _check(row: dict[str, Any]) -> dg.AssetCheckResult:
    reasons = "\n".join(f"- {reason}" for reason in row["reasons"])
    return dg.AssetCheckResult(
        check_name="gate",
        asset_key="evaluations_verdicts",
        passed=bool(row["passed"]),
        metadata={"reasons": dg.MetadataValue.md(reasons), "policy_id": row["policy_id"]},
    )
