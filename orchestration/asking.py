"""Asking the lake: a query of one's own, or one of those in `sql/explore` and `sql/marts`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

import sql
from lake import query, schemas
from lake.errors import TableNotFound
from lake.settings import Settings
from lake.tables import Lake
from orchestration import answers

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FOLDERS = ("explore", "marts")
RAW_WORDS = "raw tables show the words as they came, personal data included"


class Session:
    """A connection to the lake that is made anew when a table got a new version."""

    def __init__(self, lake: Lake, *, originals: bool = False) -> None:
        self.lake = lake
        self._originals = originals
        self._versions: dict[str, int] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    def ask(self, question: str) -> pa.Table:
        """Return the answer of one query on the newest version of every table."""
        return query.run(self.connection(), question)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return a connection on the newest versions, `sql/explore` in it as a schema."""
        versions = {name: self.lake.version(name) for name in schemas.tables()}
        if self._connection is None or versions != self._versions:
            self.close()
            self._connection = query.connect(self.lake, explore=True, originals=self._originals)
            self._versions = versions
        return self._connection

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def session(settings: Settings, *, originals: bool = False) -> Iterator[Session]:
    """Open a session on the home's lake; that originals are shown is said on standard error."""
    if originals:
        click.echo(RAW_WORDS, err=True)
    opened = Session(Lake(settings.home), originals=originals)
    try:
        yield opened
    finally:
        opened.close()


def answer(
    settings: Settings, question: str, *, shape: str, out: Path | None, originals: bool
) -> None:
    """Run one query and give its rows."""
    with session(settings, originals=originals) as opened:
        give(opened, question, shape, out)


def give(opened: Session, question: str, shape: str, out: Path | None = None) -> None:
    """Run one query in a session, give its rows, and say how many there are, and after how long."""
    started = time.monotonic()
    rows = opened.ask(question)
    seconds = time.monotonic() - started
    answers.give(rows, shape, out)
    if shape == "table" or out is not None:
        count = f"{rows.num_rows:,} row{'' if rows.num_rows == 1 else 's'}"
        click.echo(f"{count}, {seconds:.2f} s{f', in {out}' if out else ''}", err=True)


def named(settings: Settings, name: str, *, shape: str, out: Path | None) -> None:
    """Run a question of `sql/explore` or `sql/marts` by its name and give its rows."""
    answer(settings, text_of(name), shape=shape, out=out, originals=False)


def text_of(name: str) -> str:
    """Return the SQL of a question by name; an unknown one is an error with the nearest name."""
    for folder in FOLDERS:
        if name in sql.names(folder):
            return sql.read(f"{folder}/{name}")
    near = get_close_matches(name, [n for folder in FOLDERS for n in sql.names(folder)], n=1)
    raise TableNotFound(
        f"There is no query `{name}`.",
        hint=f"did you mean `{near[0]}`?" if near else "`steppe query` lists them",
    )


def questions() -> pa.Table:
    """Return every question that has a name: the name as it stands in SQL, and what it asks."""
    import pyarrow as pa

    return pa.Table.from_pylist(
        [
            {"name": name, "folder": folder, "question": sql.headline(f"{folder}/{name}")}
            for folder in FOLDERS
            for name in sql.names(folder)
        ]
    )


def relations(lake: Lake) -> pa.Table:
    """Return what can be asked without a schema's name: tables with their rows, then the views."""
    import pyarrow as pa

    tables = [
        {"name": t.name, "rows": sum(p.rows for p in lake.partitions(t.name)), "grain": t.grain}
        for t in schemas.tables().values()
    ]
    views = [
        {"name": name, "rows": None, "grain": sql.headline(f"{folder}/{name}")}
        for folder in ("staging", "marts")
        for name in sql.names(folder)
    ]
    return pa.Table.from_pylist([*tables, *views])
