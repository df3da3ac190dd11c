"""cleaned: dialogues fit to train on, and everything dropped, with its reason."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date

import dagster as dg

from assets import days, fingerprints, plots, reporting
from assets.partitions import DAYS
from assets.reporting import Destination
from lake.settings import Settings
from lake.spool import Spool
from lake.tables import Lake

SPECS = {
    "cleaned_dialogues": "One revision of one dialogue, fit to train on.",
    "cleaned_preferences": "One choice between two answers, fit to learn from.",
    "cleaned_dropped": "What was dropped or removed: rule, reason, excerpt.",
    "cleaned_findings": "What was marked or replaced in what was kept.",
    "cleaned_signatures": "What near-duplicate search remembers of what was kept.",
}
READ = ("raw_records", "raw_preferences")  # by each: of one step Dagster starts no backfill else
SHOWN = {
    "cleaned_dialogues": ["source", "language", "split", "messages"],
    "cleaned_preferences": ["source", "language", "split", "chosen"],
    "cleaned_dropped": ["rule", "reason", "excerpt"],
    "cleaned_findings": ["rule", "reason", "excerpt"],
}


@dg.multi_asset(
    name="cleaned",
    specs=[
        dg.AssetSpec(n, deps=READ, description=words, kinds={"delta"}) for n, words in SPECS.items()
    ],
    group_name="cleaned",
    partitions_def=DAYS,
    backfill_policy=days.BACKFILLS,
)
def cleaned(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Clean a day's records and choices by the policy; each ends kept, or dropped with a reason.

    A day that is what its inputs make already is left as it is.
    """
    from assets.cleaning import load_policy

    by = reporting.provenance(context, "cleaned", load_policy(settings.cleaning_policy).policy_id)

    def work(day: date) -> days.Told:
        into = Destination(lake, day, fingerprints.cleaned(settings, day), by)
        return [into.unchanged(t) for t in SPECS] if into.has(SPECS) else _clean(settings, into)

    yield from days.each_day(context, work, lock=settings.home / "locks" / "cleaned", lake=lake)


def _clean(settings: Settings, into: Destination) -> days.Told:
    from assets.cleaning.days import clean_day

    with ExitStack() as stack:
        spools = {name: stack.enter_context(Spool()) for name in SPECS}
        fates = clean_day(into.lake, settings, into.day, spools, reporting.progress("cleaned"))
        funnel = {"funnel": plots.funnel(fates, "what became of the records")}
        extra = {"cleaned_dialogues": funnel if fates else {}}
        return [
            into.replace(name, rows, shown=SHOWN.get(name, ()), **extra.get(name, {}))
            for name, rows in reversed(spools.items())
        ]
