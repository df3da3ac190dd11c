"""A day of the lake through the cleaner: which records, what earlier days kept, and the count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from assets.cleaning import Cleaned, Cleaner, Neighbours, load_policy
from assets.cleaning.consent import consent_of, consents_of
from assets.cleaning.conversations import Conversations, conversations_of
from assets.cleaning.near_duplicates import SIGNATURE_COLUMNS, Touches
from assets.cleaning.personal import Pseudonymiser
from assets.cleaning.preferences import PreferenceCleaner
from lake.errors import CheckFailed
from lake.ids import pseudonym_key, user_id_of
from lake.settings import Settings
from lake.spool import Spool
from lake.tables import Lake

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    "record_id", "source", "conversation_id", "title", "user_id", "participants", "messages",
)  # fmt: skip
PREFERENCE_COLUMNS = (
    "record_id", "source", "conversation_id", "participants", "origin", "prompt", "chosen",
    "rejected",
)  # fmt: skip
PARTS = ("cleaned_dialogues", "cleaned_dropped", "cleaned_findings", "cleaned_signatures")
PREFERENCE_PARTS = ("cleaned_preferences", "cleaned_dropped", "cleaned_findings")

Fates = Counter[tuple[str, str]]
"""How many records of a source were `kept`, or `dropped: ` for a reason."""


def clean_day(
    lake: Lake,
    settings: Settings,
    day: date,
    spools: Mapping[str, Spool],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Fates:
    """Clean a day's records and choices into the spools, one a table; return the records' fates.

    `progress` is told (records done, records).  Raise `CheckFailed` unless each has one fate.
    """
    cleaner, total = _cleaner(lake, settings, day), lake.count("raw_records", day)
    conversations = conversations_of(lake, day)
    fates: Fates = Counter()
    for batch in lake.batches(
        "raw_records", days=lambda d: d == day, columns=COLUMNS, order="number"
    ):
        result = cleaner.clean(batch)
        fates.update(_fates(batch.num_rows, result))
        for name, table in zip(PARTS, result, strict=True):
            spools[name].add(table)
        conversations.note(batch, result)
        progress(fates.total(), total)
    _refuse_loss("raw_records", total, fates.total())
    choices = _preference_cleaner(lake, settings, day, cleaner, conversations)
    _clean_preferences(lake, day, spools, choices)
    return fates


def _clean_preferences(
    lake: Lake, day: date, spools: Mapping[str, Spool], cleaner: PreferenceCleaner
) -> None:
    """Clean a day's choices into the spools."""
    ended = 0
    for batch in lake.batches(
        "raw_preferences", days=lambda d: d == day, columns=PREFERENCE_COLUMNS, order="record_id"
    ):
        result = cleaner.clean(batch)
        ended += result.kept.num_rows + result.dropped.num_rows
        for name, table in zip(PREFERENCE_PARTS, result, strict=True):
            spools[name].add(table)
    _refuse_loss("raw_preferences", lake.count("raw_preferences", day), ended)


def _refuse_loss(table: str, received: int, ended: int) -> None:
    if ended != received:
        raise CheckFailed(
            f"{received} rows lie in `{table}`, {ended} were kept or dropped.",
            hint="run `steppe doctor`: a file of the table may be cut short",
        )


def _cleaner(lake: Lake, settings: Settings, day: date) -> Cleaner:
    """Return the rules of today, and what all earlier days kept."""
    policy = load_policy(settings.cleaning_policy)

    personal, key = settings.personal_data, pseudonym_key(settings.home)
    consents = consents_of(settings, partial(user_id_of, key=key))
    return Cleaner(
        policy,
        Neighbours(policy, partial(_earlier, lake, day)),
        Pseudonymiser(key, personal.names) if personal.enabled else None,
        partial(consent_of, consents=consents),
    )


def _earlier(lake: Lake, day: date, touches: Touches) -> Iterator[pa.RecordBatch]:
    """Yield what earlier days kept and touches, of a table read from end to end."""
    import pyarrow as pa

    for part in lake.batches(
        "cleaned_signatures", days=lambda d: d < day, columns=SIGNATURE_COLUMNS
    ):
        yield part.filter(pa.array(touches(part)))


def _preference_cleaner(
    lake: Lake, settings: Settings, day: date, cleaner: Cleaner, conversations: Conversations
) -> PreferenceCleaner:
    """Return the same rules for choices; where the source does not say who, the owner chose."""
    key = pseudonym_key(settings.home)
    owner = user_id_of(settings.owner, key)
    seen: set[str] = set()
    for part in lake.batches(
        "cleaned_preferences", days=lambda d: d < day, columns=("preference_id",)
    ):
        seen.update(part["preference_id"].to_pylist())
    return PreferenceCleaner(
        cleaner.policy,
        cleaner.personal,
        lambda source, people: cleaner.consent(source, [owner, *people]),
        conversations.clusters,
        seen,
    )


def _fates(received: int, result: Cleaned) -> Fates:
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
    fates = Counter((source, "kept") for source in result.kept["source"].to_pylist())
    reasons = zip(whole["source"].to_pylist(), whole["reason"].to_pylist(), strict=True)
    fates.update((source, f"dropped: {reason}") for source, reason in reasons)
    return fates
