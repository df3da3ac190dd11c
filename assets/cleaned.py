"""cleaned: dialogues fit to train on, and everything dropped, with its reason."""

from collections.abc import Iterator
from contextlib import ExitStack

import dagster as dg

from assets import fingerprints, plots, reporting
from assets.partitions import DAYS
from assets.reporting import Destination
from lake.settings import Settings
from lake.spool import Spool
from lake.tables import Lake

SPECS = {
    "cleaned_dialogues": "One revision of one dialogue, fit to train on.",
    "cleaned_dropped": "What was dropped or removed: rule, reason, excerpt.",
    "cleaned_findings": "What was marked or replaced in what was kept.",
    "cleaned_signatures": "What near-duplicate search remembers of what was kept.",
}
SHOWN = {
    "cleaned_dialogues": ["source", "language", "split", "messages"],
    "cleaned_dropped": ["rule", "reason", "excerpt"],
    "cleaned_findings": ["rule", "reason", "excerpt"],
}


@dg.multi_asset(
    name="cleaned",
    specs=[
        dg.AssetSpec(n, deps=["raw_records"], description=words, kinds={"delta"})
        for n, words in SPECS.items()
    ],
    group_name="cleaned",
    partitions_def=DAYS,
)
def cleaned(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Clean a day's records by the policy; each ends kept, or dropped with a reason."""
    from assets.cleaning import load_policy
    from assets.cleaning.days import clean_day

    day = reporting.day_of(context)
    code = load_policy(settings.cleaning_policy).policy_id
    by = reporting.provenance(context, "cleaned", code)
    into = Destination(lake, day, fingerprints.cleaned(settings, day), by)
    with ExitStack() as stack:
        spools = {name: stack.enter_context(Spool()) for name in SPECS}
        fates = clean_day(lake, settings, day, spools, reporting.progress("cleaned"))
        extra = {"cleaned_dialogues": {"funnel": plots.bars(fates, "what became of the records")}}
        for name, rows in reversed(spools.items()):
            yield into.replace(name, rows, shown=SHOWN.get(name, ()), **extra.get(name, {}))
