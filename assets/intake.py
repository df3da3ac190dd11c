"""From the files of a day to Arrow tables: read once, sorted by kind, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self

from assets import inbox
from assets.digests import digest
from assets.records import Place, preferences_table, quarantined_table, records_table
from lake.ids import pseudonym_key, user_id_of
from lake.schemas import Dialogue, Message, Preference
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
        self._pseudonym = cache(partial(user_id_of, key=pseudonym_key(settings.home)))
        self.sources: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in (self.records, self.preferences, self.quarantined):
            spool.close()

    def read(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Read every file of the day; `progress` is told (files done, files)."""
        said, chosen, unread = _Pile(), _Pile(), _Pile()
        for item, place in self._items(progress):
            if isinstance(item, Dialogue):
                if said.add(item, place, _length(item.messages)):
                    self._keep(said)
            elif isinstance(item, Preference):
                answers = len(item.chosen) + len(item.rejected)
                if chosen.add(item, place, _length(item.prompt) + answers):
                    self._choose(chosen)
            elif unread.add(item, place):
                self._quarantine(unread)
        self._keep(said)
        self._choose(chosen)
        self._quarantine(unread)

    def _keep(self, said: _Pile) -> None:
        dialogues, places = said.taken()
        self.sources.update([d.source for d in dialogues])
        first = self.records.rows
        self.records.add(
            records_table(
                dialogues,
                places,
                first_number=first,
                owner=self._pseudonym(self._settings.owner),
                pseudonym=self._pseudonym,
            )
        )

    def _choose(self, chosen: _Pile) -> None:
        self.preferences.add(preferences_table(*chosen.taken(), pseudonym=self._pseudonym))

    def _quarantine(self, unread: _Pile) -> None:
        items, places = unread.taken()
        self.reasons.update([item.reason for item in items])
        self.quarantined.add(quarantined_table(items, places))

    def _items(self, progress: Callable[[int, int], None]) -> Iterator[tuple[Item, Place]]:
        from assets import sources

        options = sources.Options(**self._settings.sources.model_dump())
        found_files = list(inbox.files(self._settings.inbox, self._day))
        for done, found in enumerate(found_files):
            progress(done, len(found_files))
            name = f"{self._day}/{found.name}"
            file_id = "" if found.problem else digest(found.path, inbox=self._settings.inbox)
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


class _Pile:
    """Items of one kind with their places, until there are enough for a batch."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._places: list[Place] = []
        self._characters = 0

    def add(self, item: Item, place: Place, characters: int = 0) -> bool:
        """Put an item on the pile; say whether the pile is high enough."""
        self._items.append(item)
        self._places.append(place)
        self._characters += characters
        return self._characters > BATCH_CHARACTERS or len(self._items) >= BATCH_DIALOGUES

    def taken(self) -> tuple[list[Any], list[Place]]:
        """Return what was put there, and begin anew."""
        taken = self._items, self._places
        self._items, self._places, self._characters = [], [], 0
        return taken


def _length(messages: Sequence[Message]) -> int:
    return sum([len(m.content) for m in messages])
