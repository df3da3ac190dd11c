"""`steppe memory`: what is remembered of people, and a person's word on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assets import forgetting
from lake.errors import DataError
from lake.ids import is_id
from lake.memories import Memories
from lake.settings import Settings
from lake.tables import Lake
from orchestration import answers, turn
from orchestration.exploring import pseudonym_of

SHORT = 12
"""Digits of an id that a table shows; any beginning that only one memory has is enough."""


def show(
    settings: Settings, person: str | None, *, replaced: bool, shape: str, out: Path | None
) -> None:
    """Print memories, one a row; in a table ids are cut and moments have no seconds."""
    import pyarrow as pa

    rows = _memories(settings, person, replaced=replaced)
    owner = pseudonym_of(settings, settings.owner)
    listed = [_shown(row, owner, short=shape == "table") for row in rows]
    columns = [pa.field(name, kind) for name, kind in _columns(short=shape == "table").items()]
    answers.give(pa.Table.from_pylist(listed, schema=pa.schema(columns)), shape, out)


def forget(settings: Settings, words: str, person: str | None, reason: str) -> str:
    """Forget a memory by the beginning of its id, or everything of a person; say how many."""
    lake = Lake(settings.home)
    with turn.only_one(settings):
        if person:
            gone = forgetting.forget_person(lake, _person(settings, person), reason)
        else:
            gone = forgetting.forget_memory(lake, _the_one(settings, words), reason)
    return "1 memory is forgotten" if len(gone) == 1 else f"{len(gone)} memories are forgotten"


def _memories(settings: Settings, person: str | None, *, replaced: bool) -> list[dict[str, Any]]:
    memories = Memories(settings.home)
    people = [_person(settings, person)] if person else memories.people()
    return [row for user_id in people for row in memories.list(user_id, replaced=replaced)]


def _person(settings: Settings, name: str) -> str:
    return name if is_id(name) else pseudonym_of(settings, name)


def _the_one(settings: Settings, words: str) -> str:
    """Return the id of the one memory that begins so; `DataError` for none or several."""
    rows = _memories(settings, None, replaced=True)
    found = [row["memory_id"] for row in rows if row["memory_id"].startswith(words)]
    if len(found) != 1:
        many = "several memories" if found else "no memory"
        raise DataError(f"`{words}` is {many}.", hint="`steppe memory list --all` shows the ids")
    return str(found[0])


def _shown(row: dict[str, Any], owner: str, *, short: bool) -> dict[str, Any]:
    cut = SHORT if short else None
    moments = {name: row[name] for name in ("created_at", "last_used_at")}
    return {
        "memory": row["memory_id"][:cut],
        "person": "owner" if row["user_id"] == owner else row["user_id"][:cut],
        "kind": row["kind"],
        "text": row["text"],
        "importance": row["importance"],
        **({k: f"{v:%Y-%m-%d %H:%M}" for k, v in moments.items()} if short else moments),
        "sources": len(row["sources"]) if short else row["sources"],
        "replaced_by": row["replaced_by"][:cut],
    }


def _columns(*, short: bool) -> dict[str, Any]:
    import pyarrow as pa

    text, moment = pa.string(), pa.timestamp("us", tz="UTC")
    return {
        **dict.fromkeys(("memory", "person", "kind", "text"), text),
        "importance": pa.int64(),
        **dict.fromkeys(("created_at", "last_used_at"), text if short else moment),
        "sources": pa.int64() if short else pa.list_(text),
        "replaced_by": text,
    }
