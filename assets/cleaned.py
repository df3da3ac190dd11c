"""cleaned: dialogues fit to train on, and everything dropped, with its reason."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial

import dagster as dg

from assets import fingerprints, plots, reporting
from assets.cleaning import (
    SIGNATURE_COLUMNS,
    Cleaned,
    Cleaner,
    Neighbours,
    Signed,
    load_policy,
    signed_from,
)
from assets.cleaning.consent import consent_of, consents_of
from assets.cleaning.personal import Pseudonymiser
from assets.partitions import DAYS
from assets.reporting import Destination
from lake.errors import CheckFailed
from lake.ids import pseudonym_key, user_id_of
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
    day = reporting.day_of(context)
    by = reporting.provenance(context, "cleaned", load_policy(settings.cleaning_policy).policy_id)
    into = Destination(lake, day, fingerprints.cleaned(settings, day), by)
    with ExitStack() as stack:
        spools = {name: stack.enter_context(Spool()) for name in SPECS}
        fates = clean_day(lake, settings, day, spools)
        extra = {"cleaned_dialogues": {"funnel": plots.bars(fates, "what became of the records")}}
        for name, rows in reversed(spools.items()):
            yield into.replace(name, rows, shown=SHOWN.get(name, ()), **extra.get(name, {}))


def clean_day(lake: Lake, settings: Settings, day: date, spools: dict[str, Spool]) -> Counter[str]:
    """Clean a day batch by batch into the spools of `SPECS`; return the fates of its records."""
    cleaner = _cleaner(lake, settings, day)
    report, total = reporting.progress("cleaned"), lake.count("raw_records", day)
    fates: Counter[str] = Counter()
    for batch in lake.batches(
        "raw_records", days=lambda d: d == day, columns=COLUMNS, order="number"
    ):
        result = cleaner.clean(batch)
        fates.update(_fates(batch.num_rows, result))
        for spool, table in zip(spools.values(), result, strict=True):
            spool.add(table)
        report(fates["received"], total)
    if fates["received"] != total:
        raise CheckFailed(
            f"{total} records lie in `raw_records`, {fates['received']} were read.",
            hint="run `steppe doctor`: a file of the table may be cut short",
        )
    return fates


COLUMNS = (
    "record_id", "source", "conversation_id", "title", "user_id", "participants", "messages",
)  # fmt: skip


def _cleaner(lake: Lake, settings: Settings, day: date) -> "Cleaner":
    """Return the rules of today, and what all earlier days kept."""
    policy = load_policy(settings.cleaning_policy)

    def earlier() -> "Iterator[Signed]":
        parts = lake.batches(
            "cleaned_signatures", days=lambda d: d < day, columns=SIGNATURE_COLUMNS
        )
        return map(signed_from, parts)

    personal, key = settings.personal_data, pseudonym_key(settings.home)
    consents = consents_of(settings, partial(user_id_of, key=key))
    return Cleaner(
        policy,
        Neighbours(
            earlier,
            threshold=policy.near_percent / 100,
            asked_threshold=policy.near_asked_percent / 100,
            short_threshold=policy.near_short_percent / 100,
            min_letters=policy.near_min_letters,
        ),
        Pseudonymiser(key, personal.names) if personal.enabled else None,
        partial(consent_of, consents=consents),
    )


def _fates(received: int, result: "Cleaned") -> Counter[str]:
    """Return a batch's fates; raise `CheckFailed` unless every record has exactly one.

    Nothing is written then: the commits come after the last batch.
    """
    import pyarrow.compute as pc

    whole = result.dropped.filter(pc.equal(result.dropped["grain"], "dialogue"))
    if received != result.kept.num_rows + whole.num_rows:
        raise CheckFailed(
            f"{received} records came in, {result.kept.num_rows} were kept "
            f"and {whole.num_rows} dropped.",
            hint="a cleaning rule lost or doubled a record: see `assets/cleaning`",
        )
    fates = Counter(f"dropped: {reason}" for reason in whole["reason"].to_pylist())
    fates.update(received=received, kept=result.kept.num_rows)
    return fates
