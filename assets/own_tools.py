"""The tools of one person of this home: their memories, their rows, and a clock."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from assets.recollection import Recollection
from lake import own_rows
from lake.errors import BadArguments
from lake.settings import Settings
from lake.tables import Lake
from models.serving.rates import Rates
from models.tools import Tool, tools_of
from models.tools.search_memory import Recall

MAX_RATED = 10_000
"""People whose statements are counted at a time."""


@dataclass
class Statements:
    """How often people ask in SQL: one statement at a time each, and `per_minute`.

    `clock` tells seconds.  Safe to use from several threads.
    """

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _asking: set[str] = field(default_factory=set)
    _rates: Rates = field(default_factory=lambda: Rates(MAX_RATED))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def one(self, user_id: str) -> Iterator[None]:
        """Let a person ask one statement; `BadArguments` tells a model why it has to wait."""
        with self._lock:
            self._admit(user_id)
            self._asking.add(user_id)
        try:
            yield
        finally:
            with self._lock:
                self._asking.discard(user_id)

    def _admit(self, user_id: str) -> None:
        if user_id in self._asking:
            raise BadArguments("Прежний запрос ещё идёт.", hint="спрашивай по одному")
        if wait := self._rates.wait(user_id, self.per_minute, self.clock()):
            raise BadArguments(
                f"Запросов SQL больше {self.per_minute} в минуту.",
                hint=f"подожди {max(1, round(wait))} с или ответь без него",
            )


def own_tools(
    settings: Settings,
    user_id: str,
    *,
    recall: Recall | None = None,
    statements: Statements | None = None,
    now: Callable[[], datetime] | None = None,
) -> tuple[Tool, ...]:
    """Return every tool, bound to a person by pseudonym.

    `recall` tells what comes to mind of them at a text, by default a `Recollection` of the home;
    `statements` counts what they ask in SQL; `now` is the wall clock of whoever asks, by default
    this machine's.
    """
    lake, clock = Lake(settings.home), now or _here_and_now
    counted = statements or Statements(settings.serving.sql_per_minute)

    def ask(statement: str) -> own_rows.Answer:
        with counted.one(user_id):
            return own_rows.ask(lake, user_id, statement)

    return tools_of(recall=recall or _mind(settings, user_id, clock), ask=ask, now=clock)


def _mind(settings: Settings, user_id: str, now: Callable[[], datetime]) -> Recall:
    """Return what comes to mind of a person, from a `Recollection` of its own."""
    recollection = Recollection(settings.home, settings)
    return lambda text: recollection.about(user_id, text, now())


def _here_and_now() -> datetime:
    return datetime.now(UTC).astimezone()
