"""From the files of a day to Arrow tables: read once, set apart by kind, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

from assets import inbox
from assets.records import Place, preferences_table, quarantined_table, records_table
from lake.ids import pseudonym_key, user_id_of
from lake.schemas import Dialogue, Preference, Unreadable
from lake.spool import Spool

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

    from assets.sources import Item
    from lake.settings import Settings

BATCH_DIALOGUES = 20_000
BATCH_CHARACTERS = 32 << 20


@dataclass
class Intake:
    """A day being read.  `records` yields its dialogues; the rest is in the spools by then."""

    settings: Settings
    day: date
    quarantined: Spool
    preferences: Spool
    sources: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    progress: Callable[[int, int], None] = lambda _done, _total: None

    def records(self) -> Iterator[pa.Table]:
        """Yield the day's dialogues as rows of `raw_records`; read everything else aside."""
        key = pseudonym_key(self.settings.home)
        pseudonym = cache(partial(user_id_of, key=key))
        owner, number = pseudonym(self.settings.owner), 0
        for batch in self._batches():
            self.sources.update(d.source for d, _ in batch)
            yield records_table(batch, first_number=number, owner=owner, pseudonym=pseudonym)
            number += len(batch)

    def _batches(self) -> Iterator[list[tuple[Dialogue, Place]]]:
        read: list[tuple[Dialogue, Place]] = []
        chosen: list[tuple[Preference, Place]] = []
        unread: list[tuple[Unreadable, Place]] = []
        size = 0
        for item, place in self._items():
            if isinstance(item, Dialogue):
                read.append((item, place))
                size += sum([len(m.content) for m in item.messages])
            elif isinstance(item, Preference):
                chosen.append((item, place))
            else:
                unread.append((item, place))
            if size > BATCH_CHARACTERS or len(read) >= BATCH_DIALOGUES:
                yield read
                read, size = [], 0
            if len(chosen) + len(unread) >= BATCH_DIALOGUES:
                self._set_aside(chosen, unread)
                chosen, unread = [], []
        self._set_aside(chosen, unread)
        if read:
            yield read

    def _items(self) -> Iterator[tuple[Item, Place]]:
        from assets import sources

        options = sources.Options(**self.settings.sources.model_dump())
        found_files = list(inbox.files(self.settings.inbox, self.day))
        for done, found in enumerate(found_files):
            self.progress(done, len(found_files))
            name = f"{self.day}/{found.name}"
            file_id = "" if found.problem else inbox.digest(found.path)
            items = (
                iter([found.problem])
                if found.problem
                else sources.read(found.path, root=found.root, options=options)
            )
            for index, item in enumerate(items):
                yield item, Place(name, file_id, index)
        self.progress(len(found_files), len(found_files))
        for index, item in enumerate(inbox.refused(self.settings.inbox, self.day)):
            yield item, Place(item.position, "", -1 - index)

    def _set_aside(
        self, chosen: list[tuple[Preference, Place]], unread: list[tuple[Unreadable, Place]]
    ) -> None:
        self.reasons.update(item.reason for item, _ in unread)
        self.preferences.add(preferences_table(chosen))
        self.quarantined.add(quarantined_table(unread))
