"""cleaned: dialogues fit to train on, and everything dropped, with its reason."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets import fingerprints, plots, reporting
from assets.partitions import DAYS
from assets.reporting import Destination, Passing
from lake.errors import CheckFailed
from lake.settings import Settings
from lake.spool import Spool
from lake.tables import Lake

if TYPE_CHECKING:
    import pyarrow as pa

    from assets import cleaning

SPECS = {
    "cleaned_dialogues": "One revision of one dialogue, fit to train on.",
    "cleaned_dropped": "What was dropped or removed: rule, reason, excerpt.",
    "cleaned_findings": "What was marked or replaced in what was kept.",
    "cleaned_signatures": "What near-duplicate search remembers of what was kept.",
}
SHOWN = {
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
    from assets import cleaning

    day = reporting.day_of(context)
    by = reporting.provenance(context, "cleaned", cleaning.load_policy().policy_id)
    into = Destination(lake, day, fingerprints.cleaned(settings, day), by)
    with Spool() as dropped, Spool() as findings, Spool() as signatures:
        aside = {
            "cleaned_dropped": dropped,
            "cleaned_findings": findings,
            "cleaned_signatures": signatures,
        }
        fates: Counter[str] = Counter()
        kept = Passing(_cleaned(lake, settings, day, aside, fates))
        into.write("cleaned_dialogues", kept)
        for name, spool in aside.items():
            into.write(name, spool.tables())
            shown = {"preview": reporting.preview(spool.preview(), SHOWN[name])} if name in SHOWN else {}
            yield into.materialized(name, spool.rows, **shown)
        yield into.materialized(
            "cleaned_dialogues",
            kept.rows,
            funnel=plots.bars(fates, "what became of the records"),
            preview=reporting.preview(kept.preview(), ["source", "language", "split", "messages"]),
        )


def _cleaned(
    lake: Lake, settings: Settings, day: date, aside: dict[str, Spool], fates: Counter[str]
) -> "Iterator[pa.Table]":
    """Yield what is kept of a day, batch by batch; set the rest aside and count the fates."""
    cleaner = _cleaner(lake, settings, day)
    report = reporting.progress("cleaned")
    records = lake.batches(
        "raw_records", days=lambda d: d == day, columns=COLUMNS, order="number"
    )
    total = lake.count("raw_records", day)
    for batch in records:
        result = cleaner.clean(batch)
        aside["cleaned_dropped"].add(result.dropped)
        aside["cleaned_findings"].add(result.findings)
        aside["cleaned_signatures"].add(result.signatures)
        _count(fates, batch.num_rows, result)
        report(fates["received"], total)
        yield result.kept
    if fates["received"] != total:
        raise CheckFailed(
            f"{total} records lie in `raw_records`, {fates['received']} were read.",
            hint="run `steppe doctor`: a file of the table may be cut short",
        )


COLUMNS = (
    "record_id", "source", "conversation_id", "title", "user_id", "participants", "messages",
)  # fmt: skip


def _cleaner(lake: Lake, settings: Settings, day: date) -> "cleaning.Cleaner":
    """Return the rules of today, and what all earlier days kept."""
    from assets import cleaning

    policy = cleaning.load_policy()

    def earlier() -> "Iterator[cleaning.Signed]":
        columns = cleaning.SIGNATURE_COLUMNS
        parts = lake.batches("cleaned_signatures", days=lambda d: d < day, columns=columns)
        return map(cleaning.signed_from, parts)

    return cleaning.Cleaner(
        policy,
        cleaning.Neighbours(
            earlier, threshold=policy.near_percent / 100, min_letters=policy.near_min_letters
        ),
    )


def _count(fates: Counter[str], received: int, result: "cleaning.Cleaned") -> None:
    """Add a batch's fates; raise `CheckFailed` unless every record has exactly one.

    Nothing is written then: the commit waits for the last batch.
    """
    import pyarrow.compute as pc

    whole = result.dropped.filter(pc.equal(result.dropped["grain"], "dialogue"))
    if received != result.kept.num_rows + whole.num_rows:
        raise CheckFailed(
            f"{received} records came in, {result.kept.num_rows} were kept "
            f"and {whole.num_rows} dropped.",
            hint="a cleaning rule lost or doubled a record: see `assets/cleaning`",
        )
    fates.update(received=received, kept=result.kept.num_rows)
    fates.update(f"dropped: {reason}" for reason in whole["reason"].to_pylist())
