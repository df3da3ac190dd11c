"""Ids of files' bytes, remembered beside the files: a history of years is not read every day.

A file is read again where its size or its time of change is another.  What is remembered can be
lost at any moment: it is computed again.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path

from lake.ids import file_id

MEMORY = ".digests.db"  # in the inbox; hidden, so that it is no file of a day
_TABLE = (
    "create table if not exists digests"
    " (name text primary key, size integer, changed integer, digest text)"
)


def digest(file: Path, *, inbox: Path) -> str:
    """Return the id of the bytes of a file in the inbox."""
    state = file.stat()
    return _of_state(file, inbox, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _of_state(file: Path, inbox: Path, size: int, changed: int) -> str:
    name = str(file.relative_to(inbox)) if file.is_relative_to(inbox) else str(file)
    with suppress(sqlite3.Error), closing(sqlite3.connect(inbox / MEMORY)) as memory:
        memory.execute(_TABLE)
        known = memory.execute(
            "select digest from digests where name = ? and size = ? and changed = ?",
            (name, size, changed),
        ).fetchone()
        if known:
            return str(known[0])
        found = file_id(file)
        with memory:
            memory.execute(
                "insert or replace into digests values (?, ?, ?, ?)", (name, size, changed, found)
            )
        return found
    return file_id(file)
