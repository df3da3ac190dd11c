"""What comes to mind of a person when they say something: memories and turns, scored.

The gateway asks this for every request, so nothing heavy is imported and no table is opened twice:
`Recollection` holds the encoder, and `lake.lance` the handles, which are brought to the newest
version at every question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.ids import require_id
from lake.lance import DISTANCE, FUSED
from lake.memories import Memories
from lake.settings import Settings
from lake.vectors import Vectors
from models.encoders import load_encoder
from models.memory import scoring
from models.memory.addressing import searchable
from models.memory.importance import TURN
from models.memory.statements import why_not

if TYPE_CHECKING:
    from models.encoders import Encoder

KIND_OF_TURN = "turn"
ASKED_CHARACTERS = 1000
"""What memory is asked with of a text, its end: a question is a sentence or two, and stands last
where a document is pasted before it; every word is read for its forms, under the GIL."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recalled:
    """One memory, or a turn that became none, that came to mind.

    `score` and its three parts are 0 to 1 among what was found; `sources` are
    `dialogue_id/position` of turns, or the ids of the memories that a reflection rests on.
    """

    memory_id: str
    kind: str
    text: str
    score: float
    recency: float
    importance: float
    relevance: float
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Recollection:
    """What is remembered under a home.  Cheap to make; safe to ask from several threads."""

    home: Path
    settings: Settings
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, "recollection"), repr=False, compare=False
    )

    def about(self, user_id: str, text: str, now: datetime) -> list[Recalled]:
        """Return what comes to mind of a person at some words, the best `memory.limit` first.

        Of a long text its last `ASKED_CHARACTERS` are asked with.
        Nothing where no memory is as near as `memory.least_similarity`.  `DataError` for what is
        no pseudonym.
        """
        require_id(user_id, "pseudonym")
        text = _end_of(text)
        said, asked = self._encoder.encode([text, searchable(text)])
        if not said.any():  # there is no letter or digit in it
            return []
        memories, turns = self._found(user_id, text, said=said, asked=asked)
        found = _without_doubles([*map(_of_memory, memories), *map(_of_turn, turns)])
        near = [f for f in found if f.similarity >= self.settings.memory.least_similarity]
        return self._best(near, now)

    def touch(self, recalled: Iterable[Recalled], now: datetime) -> None:
        """Note that memories were used; turns have no use to note."""
        ids = [memory.memory_id for memory in recalled if memory.kind != KIND_OF_TURN]
        self._memories.touch(ids, now)

    def version(self, user_id: str) -> str:
        """Return an id that changes when any memory of a person does."""
        return self._memories.version(user_id)

    def _found(
        self, user_id: str, text: str, *, said: Any, asked: Any
    ) -> tuple[list[Row], list[Row]]:
        """Return memories and turns near to a text, searched side by side.

        `said` is the vector of the words as they are, as turns have it, `asked` that of memories.
        """
        limit = self.settings.memory.candidates
        memories = self._pool.submit(self._memories.search, user_id, text, asked, limit=limit)
        turns: list[Row] = []
        if self.settings.memory.turns:
            turns = self._vectors.search(text, said, limit=limit, user_id=user_id, role="user")
        return memories.result(), turns

    def _best(self, found: Sequence[_Found], now: datetime) -> list[Recalled]:
        chosen = self.settings.memory
        weights = scoring.Weights(chosen.recency, chosen.importance, chosen.relevance)
        candidates = [scoring.Candidate(f.last_used_at, f.importance, f.relevance) for f in found]
        scores = scoring.score(candidates, now, weights, decay_per_hour=chosen.decay_per_hour)
        recalled = [
            Recalled(
                *(f.memory_id, f.kind, f.text),
                *(s.score, s.recency, s.importance, s.relevance),
                f.sources,
            )
            for f, s in zip(found, scores, strict=True)
        ]
        return sorted(recalled, key=lambda r: (-r.score, r.memory_id))[: chosen.limit]

    @cached_property
    def _encoder(self) -> Encoder:
        return load_encoder(self.settings.encoder, models_dir=self.settings.models_dir)

    @cached_property
    def _memories(self) -> Memories:
        return Memories(self.home)

    @cached_property
    def _vectors(self) -> Vectors:
        return Vectors(self.home)


@dataclass(frozen=True, slots=True)
class _Found:
    """A memory or a turn that a search found, before it is scored."""

    memory_id: str
    kind: str
    text: str
    last_used_at: datetime
    importance: float
    relevance: float
    similarity: float
    sources: tuple[str, ...]


def _end_of(text: str) -> str:
    """Return the last `ASKED_CHARACTERS` of a text, cut between words where there are any."""
    if len(text) <= ASKED_CHARACTERS:
        return text
    end = text[-ASKED_CHARACTERS - 1 :]
    gap = re.search(r"\s(?=\S)", end)
    return end[gap.end() :] if gap else end[1:]


def _of_memory(row: Row) -> _Found:
    return _Found(
        *(row["memory_id"], row["kind"], row["text"], row["last_used_at"]),
        *(float(row["importance"]), row[FUSED], _similarity(row)),
        tuple(row["sources"]),
    )


def _of_turn(row: Row) -> _Found:
    day = datetime.fromisoformat(row["day"]).replace(tzinfo=UTC)
    source = f"{row['dialogue_id']}/{row['position']}"
    return _Found(
        *(row["id"], KIND_OF_TURN, row["text"], day),
        *(float(TURN), row[FUSED], _similarity(row)),
        (source,),
    )


def _similarity(row: Row) -> float:
    """Return the cosine; a row that full text alone found shares words, and is near enough."""
    return 1.0 - float(row[DISTANCE]) if row.get(DISTANCE) is not None else 1.0


def _without_doubles(found: Sequence[_Found]) -> list[_Found]:
    """Return what was found without turns that tell nothing, or that a memory stands for.

    A question said before is near to the same question now, and answers nothing.
    """
    known = {s for f in found if f.kind != KIND_OF_TURN for s in f.sources}
    kept, said = [], set()
    for f in found:
        told = f.kind != KIND_OF_TURN
        if told or not (known & set(f.sources) or f.text in said or _tells_nothing(f.text)):
            kept.append(f)
            said.add(f.text)
    return kept


def _tells_nothing(text: str) -> bool:
    return why_not(text, acknowledged=True) in ("question", "request", "small_talk", "secret")
