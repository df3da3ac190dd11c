"""What may stand at the cursor of `steppe sql`: a pure function of the text and of the names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

COMMANDS: Mapping[str, str] = {
    ".tables": "the tables, with their rows",
    ".schema": "NAME: the columns of a table, view or query",
    ".queries": "questions that have a name, and what they ask",
    ".help": "these commands",
    ".quit": "leave; so does Ctrl-D",
}
WORD = re.compile(r"[\w.]*\Z")
AFTER_SOURCE = re.compile(r"\b(from|join|describe)\s+[\w.]*\Z", re.IGNORECASE)
SOURCE = re.compile(r"\b(?:from|join)\s+([\w.]+)(?:\s+(?:as\s+)?(\w+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Names:
    """What can be named: relations (`explore.` and `meta.` before those there) with columns."""

    columns: Mapping[str, tuple[str, ...]]
    keywords: tuple[str, ...]


def names_of(connection: duckdb.DuckDBPyConnection) -> Names:
    """Return the relations of a connection with their columns, and DuckDB's own keywords."""
    found = connection.execute(
        "select if(schema_name = 'main', '', schema_name || '.') || table_name, "
        "list(column_name order by column_index) from duckdb_columns() "
        "where not internal and database_name != 'system' group by all order by all"
    ).fetchall()
    words = connection.execute("select keyword_name from duckdb_keywords() order by 1").fetchall()
    return Names({name: tuple(c) for name, c in found}, tuple(word for (word,) in words))


def word_at_end(before: str) -> str:
    """Return the part of the text before the cursor that a completion replaces."""
    if before.startswith(".") and " " not in before:
        return before
    found = WORD.search(before)
    return found.group() if found else ""


def completions(before: str, after: str, names: Names) -> list[str]:
    """Return what the word before the cursor may become, the likeliest first.

    After `from` a relation; after `alias.` a column of what the alias stands for; elsewhere the
    columns of the statement's relations, relations, keywords.
    """
    word = word_at_end(before)
    if before.startswith("."):
        return _beginning_with(word, names.columns if " " in before else COMMANDS)
    if AFTER_SOURCE.search(before):
        return _beginning_with(word, names.columns)
    sources = _sources(before + after)
    owner, dot, _ = word.rpartition(".")
    if dot and owner in sources:
        owned = names.columns.get(sources[owner], ())
        return _beginning_with(word, (f"{owner}.{column}" for column in owned))
    columns = [c for source in sources.values() for c in names.columns.get(source, ())]
    return _beginning_with(word, (*columns, *names.columns, *names.keywords)) if word else []


def _sources(statement: str) -> dict[str, str]:
    """Return what each name and alias of a statement stands for."""
    found = SOURCE.findall(statement)
    by_name = {name: name for name, _ in found}
    return by_name | {alias: name for name, alias in found if alias}


def _beginning_with(word: str, choices: Iterable[str]) -> list[str]:
    start = word.lower()
    return [c for c in dict.fromkeys(choices) if c.lower().startswith(start) and c != word]
