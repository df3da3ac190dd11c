"""A day of the lake through the cleaner: which records, what earlier days kept, and the count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

from assets.cleaning import Cleaned, Cleaner, Neighbours, Signed, load_policy, signed_from
from assets.cleaning.consent import consent_of, consents_of
from assets.cleaning.near_duplicates import SIGNATURE_COLUMNS
from assets.cleaning.personal import Pseudonymiser
from lake.errors import CheckFailed
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings
from lake.spool import Spool
from lake.tables import Lake

COLUMNS = (
    "record_id", "source", "conversation_id", "title", "user_id", "participants", "messages",
)  # fmt: skip


def clean_day(
    lake: Lake,
    settings: Settings,
    day: date,
    spools: dict[str, Spool],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Counter[str]:
    """Clean a day's records into the spools, one for each part of `Cleaned`; return their fates.

    `progress` is told (records done, records).  Raise `CheckFailed` unless each has one fate.
    """
    cleaner, total = _cleaner(lake, settings, day), lake.count("raw_records", day)
    fates: Counter[str] = Counter()
    for batch in lake.batches(
        "raw_records", days=lambda d: d == day, columns=COLUMNS, order="number"
    ):
        result = cleaner.clean(batch)
        fates.update(_fates(batch.num_rows, result))
        for spool, table in zip(spools.values(), result, strict=True):
            spool.add(table)
        progress(fates["received"], total)
    if fates["received"] != total:
        raise CheckFailed(
            f"{total} records lie in `raw_records`, {fates['received']} were read.",
            hint="run `steppe doctor`: a file of the table may be cut short",
        )
    return fates


def _cleaner(lake: Lake, settings: Settings, day: date) -> Cleaner:
    """Return the rules of today, and what all earlier days kept."""
    policy = load_policy(settings.cleaning_policy)

    def earlier() -> Iterator[Signed]:
        parts = lake.batches(
            "cleaned_signatures", days=lambda d: d < day, columns=SIGNATURE_COLUMNS
        )
        return map(signed_from, parts)

    personal, key = settings.personal_data, pseudonym_key(settings.home)
    consents = consents_of(settings, partial(user_id_of, key=key))
    return Cleaner(
        policy,
        Neighbours(policy, earlier),
        Pseudonymiser(key, personal.names) if personal.enabled else None,
        partial(consent_of, consents=consents),
    )


def _fates(received: int, result: Cleaned) -> Counter[str]:
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
