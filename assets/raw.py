"""raw: dialogues exactly as received, one partition a day; and the base everything starts from."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from assets import days, fingerprints, plots, reporting
from assets.fingerprints import RAW_CODE
from assets.intake import Intake
from assets.partitions import DAYS
from assets.reporting import Destination
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases


@dg.asset(group_name="raw", kinds={"huggingface"})
def base_model(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    """The network every adapter stands on: grown here from the primer, or brought from a hub."""
    report = reporting.progress("base")
    base = bases.ensure_base(
        settings.base_model, settings.models_dir, lambda p: report(p.step, p.total)
    )
    context.log.info(f"base {base.base_id} in {base.path}")
    return dg.MaterializeResult(
        metadata={"base_id": base.base_id, "path": str(base.path), **_shown(base.report)},
        data_version=dg.DataVersion(base.base_id),
    )


SPECS = {
    "raw_records": "One record as received.",
    "raw_preferences": "One choice between two answers as received.",
    "raw_quarantined": "What could not be read, and why.",
}


@dg.multi_asset(
    name="raw",
    specs=[dg.AssetSpec(n, description=words, kinds={"delta"}) for n, words in SPECS.items()],
    group_name="raw",
    partitions_def=DAYS,
    backfill_policy=days.BACKFILLS,
)
def raw(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Read every file of a day's inbox; nothing of it is lost, what cannot be read has a reason.

    A day that is what its files make already is left as it is.
    """
    by = reporting.provenance(context, "raw", RAW_CODE)

    def work(day: date) -> days.Told:
        into = Destination(lake, day, fingerprints.raw(settings, day), by)
        return [into.unchanged(t) for t in SPECS] if into.has(SPECS) else _read(settings, into)

    yield from days.each_day(context, work, lock=settings.home / "locks" / "raw", lake=lake)


def _read(settings: Settings, into: Destination) -> days.Told:
    """Read a day; no words are shown, for events are kept outside the lake."""
    with Intake(settings, into.day) as taken:
        taken.read(reporting.progress("raw"))
        pictures: dict[str, Any] = {}
        if taken.reasons:
            pictures["reasons"] = plots.bars(taken.reasons, "quarantined by reason")
        return [
            into.replace("raw_preferences", taken.preferences, shown=["source", "origin"]),
            into.replace(
                "raw_quarantined",
                taken.quarantined,
                shown=["file", "reason", "detail"],
                **pictures,
            ),
            into.replace(
                "raw_records",
                taken.records,
                shown=["source", "file", "position"],
                sources=dict(taken.sources),
            ),
        ]


def _shown(report: dict) -> dict[str, Any]:
    primer = report.get("primer", {})
    scores = {f"exact/{name}": skill["exact"] for name, skill in primer.get("skills", {}).items()}
    return {**{k: v for k, v in primer.items() if k != "skills"}, **scores}
