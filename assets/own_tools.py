"""The tools of one person of this home: their memories, their rows, and a clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache

from lake import own_rows
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import Vectors
from models.encoders import Encoder, load_encoder
from models.tools import Tool, tools_of
from models.tools.search_memory import MAX_MEMORIES

Recall = Callable[[str], Sequence[str]]


def own_tools(
    settings: Settings,
    user_id: str,
    *,
    recall: Recall | None = None,
    now: Callable[[], datetime] | None = None,
) -> tuple[Tool, ...]:
    """Return every tool, bound to a person by pseudonym.

    `recall` finds memories by a text, the nearest first: the person's own turns if none is given.
    `now` is the wall clock of whoever asks, this machine's by default.
    """
    lake = Lake(settings.home)
    return tools_of(
        recall=recall or turns_of(settings, user_id),
        ask=lambda statement: own_rows.ask(lake, user_id, statement),
        now=now or _here_and_now,
    )


def turns_of(settings: Settings, user_id: str) -> Recall:
    """Return what finds a person's turns nearest to a text, by meaning and by words."""
    vectors = Vectors(settings.home)

    @cache
    def encoder() -> Encoder:
        return load_encoder(settings.encoder, models_dir=settings.models_dir)

    def recall(text: str) -> list[str]:
        (vector,) = encoder().encode([text])
        found = vectors.search(text, vector.tolist(), limit=MAX_MEMORIES, user_id=user_id)
        return [str(turn["text"]) for turn in found]

    return recall


def _here_and_now() -> datetime:
    return datetime.now(UTC).astimezone()
