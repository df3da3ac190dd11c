"""Records that belong together and do not stand together, put aside on disk and taken back by key.

A private SQLite database without a name: it lives in a temporary file that SQLite deletes by
itself, and holds 2 MiB in memory (https://www.sqlite.org/inmemorydb.html, "temporary databases").
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import msgspec


class Spill:
    """A pile of records: `with Spill() as pile: pile.put(...); pile.take(...)`."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("CREATE TABLE pile (place INTEGER PRIMARY KEY, key, position, raw)")
        self.database.execute("CREATE INDEX by_key ON pile (key)")
        self.database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.database.close()

    def put(self, key: str, position: str, record: dict[str, Any]) -> None:
        """Put a record aside."""
        row = (key, position, msgspec.json.encode(record))
        self.database.execute("INSERT INTO pile (key, position, raw) VALUES (?, ?, ?)", row)

    def take(self, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield position and record of everything under a key, in order; each is gone then."""
        asked = "SELECT place, position, raw FROM pile WHERE key = ? ORDER BY place LIMIT 1"
        while row := self._one(asked, key):
            self.database.execute("DELETE FROM pile WHERE place = ?", (row[0],))
            yield row[1], msgspec.json.decode(row[2])

    def first_key(self) -> str | None:
        """Return the key of the first record that is still there, None for an empty pile."""
        row = self._one("SELECT key FROM pile ORDER BY place LIMIT 1")
        return row[0] if row else None

    def _one(self, asked: str, *values: str) -> tuple[Any, ...] | None:
        with closing(self.database.execute(asked, values)) as cursor:
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found
