"""From what was read of people to what is remembered of each.

A person's memories are a function of everything that was read of them, taken again whenever that
changes: the same lake gives the same memories in whatever order its days came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date
from typing import TYPE_CHECKING

from assets.observing import FORGOTTEN, OBSERVATIONS, Row, days_of, stale_days, taken_back
from lake import query
from lake.ids import content_id
from lake.memories import Memories, memory_id_of
from lake.settings import Settings
from lake.tables import Lake
from models.memory import Observation, Remembered, merging, reflection
from models.memory.addressing import searchable
from models.memory.importance import REFLECTION

if TYPE_CHECKING:
    from assets.observing import Reader
    from models.encoders import Encoder

CODE = "1"
"""Raised by hand when a change alters what the same observations are consolidated into."""
_KEPT = (
    *("memory_id", "user_id", "kind", "text", "importance", "created_at", "sources"),
    *("replaced_by", "replaced_at"),
)


def whole_fingerprint(
    lake: Lake, settings: Settings, days: Iterable[date], reader_id: str, encoder_id: str
) -> str:
    """Return the id of everything that all memories are made from."""
    read = [f"{day}:{lake.made_from(OBSERVATIONS, day)}" for day in sorted(days)]
    taken = str(lake.version(FORGOTTEN))
    threshold = str(settings.memory.reflection_importance)
    return content_id("memories", CODE, reader_id, encoder_id, threshold, taken, *read)


def is_stale(
    lake: Lake, memories: Memories, settings: Settings, reader_id: str, encoder_id: str
) -> bool:
    """Say whether a day must be read, or somebody's memories may have changed."""
    if stale_days(lake, settings, reader_id):
        return True
    days = days_of(lake, OBSERVATIONS)
    made_from = whole_fingerprint(lake, settings, days, reader_id, encoder_id)
    return bool(days) and memories.made_from() != made_from


def consolidate(
    lake: Lake, memories: Memories, settings: Settings, reader: Reader, encoder: Encoder
) -> dict[str, int]:
    """Write anew the memories of everybody of whom other things were read; return their counts."""
    days = days_of(lake, OBSERVATIONS)
    made_from = whole_fingerprint(lake, settings, days, reader.reader_id, encoder.encoder_id)
    taken = taken_back(lake)
    read = query.ask(lake, "from stg_observations")
    observed = _by_person(row for row in read if not taken.holds(row))
    written: dict[str, int] = {}
    for user_id in sorted({*observed, *memories.people()}):
        own = observed.get(user_id, [])
        gone = sorted(taken.memory_ids.get(user_id, ()))
        of_person = _fingerprint(own, settings, reader, encoder, gone)
        if memories.made_from(user_id) == of_person:
            continue
        rows = rows_of(
            user_id,
            own,
            known=memories.list(user_id, replaced=True),
            gone=frozenset(gone),
            threshold=settings.memory.reflection_importance,
            reader=reader,
            encoder=encoder,
        )
        written[user_id] = memories.replace(user_id, rows, dimensions=encoder.dimensions)
        memories.note_made_from(of_person, user_id)
    memories.note_made_from(made_from)
    return written


def rows_of(
    user_id: str,
    observed: Sequence[Row],
    *,
    known: Sequence[Row],
    gone: Set[str],
    threshold: int,
    reader: Reader,
    encoder: Encoder,
) -> list[Row]:
    """Return a person's memories as rows: merged facts, summaries, and reflections on the facts.

    `observed` is without what was taken back; `known` are the rows that there are; of `gone` no
    reflection is made again.
    """
    facts = merging.merge(map(_observation, (r for r in observed if r["kind"] == "fact")))
    sums = merging.merge(map(_observation, (r for r in observed if r["kind"] == "summary")))
    rows = [_row(user_id, "fact", memory) for memory in facts]
    rows += [{**_row(user_id, "summary", m), "replaced_by": "", "replaced_at": None} for m in sums]
    if reader.model is not None and reader.phrases is not None:
        windows = reflection.windows(facts, threshold)
        rows += [r for window in windows for r in _reflections(user_id, window, known, reader)]
    # what was told is sorted out where it is read: told again after that, it is remembered again
    kept = [r for r in rows if r["kind"] != "reflection" or r["memory_id"] not in gone]
    distinct = list({row["memory_id"]: row for row in kept}.values())
    vectors = encoder.encode([searchable(row["text"]) for row in distinct])
    return [
        {**row, "encoder_id": encoder.encoder_id, "vector": vector.tolist()}
        for row, vector in zip(distinct, vectors, strict=True)
    ]


def _row(user_id: str, kind: str, memory: Remembered) -> Row:
    newer = memory.replaced_by
    return {
        "memory_id": memory_id_of(user_id, kind, memory.text),
        "user_id": user_id,
        "kind": kind,
        "text": memory.text,
        "importance": memory.importance,
        "created_at": memory.told_at,
        "sources": list(memory.sources),
        "replaced_by": memory_id_of(user_id, kind, newer) if newer else "",
        "replaced_at": memory.replaced_at,
    }


def _reflections(
    user_id: str, window: Sequence[Remembered], known: Sequence[Row], reader: Reader
) -> list[Row]:
    """Return the reflections on a window: those that there are, or new ones."""
    ids = {memory_id_of(user_id, "fact", memory.text) for memory in window}
    old = [r for r in known if r["kind"] == "reflection" and set(r["sources"]) <= ids]
    return [{k: r[k] for k in _KEPT} for r in old] or _new_reflections(user_id, window, reader)


def _new_reflections(user_id: str, window: Sequence[Remembered], reader: Reader) -> list[Row]:
    if reader.model is None or reader.phrases is None:
        return []
    insights, _ = reflection.reflect(window, reader.model, reader.phrases)
    return [
        {
            "memory_id": memory_id_of(user_id, "reflection", insight.text),
            "user_id": user_id,
            "kind": "reflection",
            "text": insight.text,
            "importance": REFLECTION,
            "created_at": insight.at,
            "sources": [memory_id_of(user_id, "fact", text) for text in insight.evidence],
            "replaced_by": "",
            "replaced_at": None,
        }
        for insight in insights
    ]


def _observation(row: Row) -> Observation:
    return Observation(row["text"], row["importance"], row["told_at"], tuple(row["sources"]))


def _by_person(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["user_id"]].append(row)
    return found


def _fingerprint(
    observed: Sequence[Row],
    settings: Settings,
    reader: Reader,
    encoder: Encoder,
    gone: Sequence[str],
) -> str:
    """Return the id of everything that a person's memories are made from."""
    told = sorted(
        content_id(
            *(str(row[name]) for name in ("kind", "text", "importance", "told_at")),
            *row["sources"],
        )
        for row in observed
    )
    threshold = str(settings.memory.reflection_importance)
    parts = (CODE, reader.reader_id, encoder.encoder_id, threshold, *gone)
    return content_id("memories", *parts, *told)


def without_sources(lake: Lake, memories: Memories) -> list[Row]:
    """Return the memories with a source that is not there, or that is somebody else's.

    A fact and a summary come from turns of their own person's dialogues, a reflection from their
    own person's memories.
    """
    asked = "select distinct dialogue_id, user_id, len(messages) as turns from cleaned_dialogues"
    said = {
        (row["user_id"], f"{row['dialogue_id']}/{position}")
        for row in query.ask(lake, asked)
        for position in range(row["turns"])
    }
    wrong = []
    for user_id in memories.people():
        rows = memories.list(user_id, replaced=True)
        own = {row["memory_id"] for row in rows}
        for row in rows:
            is_there = (
                own.__contains__
                if row["kind"] == "reflection"
                else lambda source, user=user_id: (user, source) in said
            )
            if not row["sources"] or not all(map(is_there, row["sources"])):
                wrong.append(row)
    return wrong
