"""evaluations: how good an adapter is beside the champion, and whether the gate lets it through."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import exams, plots, reporting, training_sets
from assets.lineage import adapter_folder, champion, registry_of, trained
from lake import warehouse
from lake.errors import DataError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models.backends import TransformersModel
from models.base import BaseModel
from models.evaluation import Evaluation
from models.evaluation.run import Items, evaluate

if TYPE_CHECKING:
    from models import gate

SPECS = {
    "evaluations_samples": "One scored item.",
    "evaluations_scores": "One metric of one evaluation, with its interval.",
    "evaluations_verdicts": "One decision of the gate, with its reasons.",
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
    """Score the newest adapter and the champion on the same items, and judge."""
    from models import gate

    planned = training_sets.plan(lake, settings)
    adapter = trained(lake, planned) if planned else None
    if planned is None or adapter is None:
        raise DataError("There is no adapter to judge.", hint="materialize `adapters_versions`")
    crowned, policy = champion(lake, planned.base.base_id), gate.load_policy()
    items = exams.items(lake, settings)
    evaluation_id = evaluation_of(adapter["adapter_id"], crowned, policy, items)
    reigning = _score(settings, planned.base, crowned, items, "champion")
    challenger = _score(settings, planned.base, adapter["adapter_id"], items, "challenger")
    verdict = gate.judge(reigning, challenger, policy)
    samples, scores, decision = _rows(
        evaluation_id, adapter, crowned, verdict, [reigning, challenger]
    )
    today, by = (
        datetime.now(UTC).date(),
        reporting.provenance(context, "evaluations", policy.policy_id),
    )
    for name, rows in zip(SPECS, (samples, scores, [decision]), strict=True):
        lake.append(name, rows, day=today, by=by)
        yield reporting.materialized(name, len(rows), lake.version(name), **_shown(name, rows))
    warehouse.publish(lake)
    registry = registry_of(settings)
    registry.log_scores(adapter["adapter_id"], challenger.scores)
    if verdict.passed:
        registry.set_alias("challenger", adapter["adapter_id"])
    yield dg.AssetCheckResult(
        check_name="gate",
        asset_key="evaluations_verdicts",
        passed=verdict.passed,
        metadata={"reasons": dg.MetadataValue.md("\n".join(f"- {r}" for r in verdict.reasons))},
    )


def evaluation_of(adapter_id: str, crowned: str, policy: "gate.Policy", items: Items) -> str:
    """Return the id of one judgement: who against whom, by which policy, on which items."""
    return content_id("evaluation", adapter_id, crowned, policy.policy_id, exams.fingerprint(items))


def _score(
    settings: Settings, base: BaseModel, adapter_id: str, items: Items, who: str
) -> Evaluation:
    report = reporting.progress("evaluations")
    folder = adapter_folder(settings, adapter_id) if adapter_id else None
    model = TransformersModel(base.path, folder)
    return evaluate(
        model,
        items,
        base_id=base.base_id,
        progress=lambda _, done, total: report(
            done + (total if who == "challenger" else 0), 2 * total
        ),
    )


def _rows(
    evaluation_id: str, adapter: dict, crowned: str, verdict: "gate.Verdict", both: list[Evaluation]
) -> tuple[list[dict], list[dict], dict]:
    """Return the rows of samples, of scores, and the verdict's."""
    one = {"evaluation_id": evaluation_id, "adapter_id": adapter["adapter_id"]}
    names = (crowned or "base", adapter["adapter_id"])
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
        for name, result in zip(names, both, strict=True)
        for s in result.samples
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
        for name, result in zip(names, both, strict=True)
        for s in result.scores
    ]
    decision = {
        **one,
        "champion_id": crowned,
        "passed": verdict.passed,
        "reasons": list(verdict.reasons),
        "policy_id": verdict.policy_id,
        "improvement": float(verdict.improvement),
        "low": float(verdict.low),
        "high": float(verdict.high),
        "decided_at": datetime.now(UTC),
    }
    return samples, scores, decision


def _shown(table: str, rows: list[dict]) -> dict[str, Any]:
    if table == "evaluations_scores":
        exact = [
            (f"{r['suite']} of {r['model_id'][:8]}", r["value"], r["low"], r["high"])
            for r in rows
            if r["metric"] == "exact"
        ]
        return {"exact": plots.intervals(exact, "exact answers, 95 % intervals")} if exact else {}
    if table == "evaluations_verdicts":
        return {"passed": rows[0]["passed"], "improvement": rows[0]["improvement"]}
    return {"preview": reporting.preview(rows, ["suite", "prompt", "expected", "answer", "score"])}
