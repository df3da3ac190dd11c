"""From the files of a day to Arrow tables: read once, sorted by kind, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Self

from assets import inbox
from assets.records import Place, preferences_table, quarantined_table, records_table
from lake.ids import pseudonym_key, user_id_of
from lake.schemas import Dialogue, Preference, Unreadable
from lake.spool import Spool

if TYPE_CHECKING:
    from datetime import date

    from assets.sources import Item
    from lake.settings import Settings

BATCH_DIALOGUES = 20_000
BATCH_CHARACTERS = 32 << 20


class Intake:
    """A day's inbox: `read` sorts it into three spools, of which every item goes into one."""

    def __init__(self, settings: Settings, day: date) -> None:
        self._settings = settings
        self._day = day
        self.records, self.preferences, self.quarantined = Spool(), Spool(), Spool()
        self.sources: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in (self.records, self.preferences, self.quarantined):
            spool.close()

    def read(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Read every file of the day; `progress` is told (files done, files)."""
        pseudonym = cache(partial(user_id_of, key=pseudonym_key(self._settings.home)))
        owner = pseudonym(self._settings.owner)
        for batch in self._batches(progress):
            self.sources.update(d.source for d, _ in batch)
            self.records.add(
                records_table(
                    batch, first_number=self.records.rows, owner=owner, pseudonym=pseudonym
                )
            )

    def _batches(
        self, progress: Callable[[int, int], None]
    ) -> Iterator[list[tuple[Dialogue, Place]]]:
        read: list[tuple[Dialogue, Place]] = []
        chosen: list[tuple[Preference, Place]] = []
        unread: list[tuple[Unreadable, Place]] = []
        size = aside = 0
        for item, place in self._items(progress):
            if isinstance(item, Dialogue):
                read.append((item, place))
                size += sum([len(m.content) for m in item.messages])
            elif isinstance(item, Preference):
                chosen.append((item, place))
                aside += len(item.chosen) + len(item.rejected)
                aside += sum([len(m.content) for m in item.prompt])
            else:
                unread.append((item, place))
            if size > BATCH_CHARACTERS or len(read) >= BATCH_DIALOGUES:
                yield read
                read, size = [], 0
            if aside > BATCH_CHARACTERS or len(chosen) + len(unread) >= BATCH_DIALOGUES:
                self._set_aside(chosen, unread)
                chosen, unread, aside = [], [], 0
        self._set_aside(chosen, unread)
        if read:
            yield read

    def _items(self, progress: Callable[[int, int], None]) -> Iterator[tuple[Item, Place]]:
        from assets import sources

        options = sources.Options(**self._settings.sources.model_dump())
        found_files = list(inbox.files(self._settings.inbox, self._day))
        for done, found in enumerate(found_files):
            progress(done, len(found_files))
            name = f"{self._day}/{found.name}"
            file_id = "" if found.problem else inbox.digest(found.path)
            items = (
                iter([found.problem])
                if found.problem
                else sources.read(found.path, root=found.root, options=options)
            )
            for index, item in enumerate(items):
                yield item, Place(name, file_id, index)
        progress(len(found_files), len(found_files))
        for index, item in enumerate(inbox.refused(self._settings.inbox, self._day)):
            yield item, Place(item.position, "", -1 - index)

    def _set_aside(
        self, chosen: list[tuple[Preference, Place]], unread: list[tuple[Unreadable, Place]]
    ) -> None:
        self.reasons.update(item.reason for item, _ in unread)
        self.preferences.add(preferences_table(chosen))
        self.quarantined.add(quarantined_table(unread))
