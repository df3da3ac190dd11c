"""LanceDB as `vectors` and `memories` use it: opened once, asked for one person, indexed.

A handle is kept for each table of this process and brought to the newest version before it is
used: a third of a millisecond, where opening takes ten times as long.  Nobody passes a filter:
what narrows a search is made here, of ids whose shape was checked (`lake.ids.require_id`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lake.ids import require_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INDEX_FROM_ROWS = 50_000
"""Below, the exact search takes milliseconds of its own: 9 ms at 5,000 rows, 40 ms at 20,000."""
PROBES = 10_000
"""Partitions that a search looks into: all of them.

The vectors of one person lie in every partition: with 20 of 64 probed, recall@10 was .70 on the
hashed encoder's; with all, the scan is still one of bytes instead of floats.
"""
REFINED = 2
"""Of so many times the wanted rows the distance is taken again from the float vectors."""
OWN_ROWS, PEOPLE_KEPT = 1_000, 128
"""So few rows stay in memory with their vectors, of so many people: 120 KB for thirty of 1,024."""
RRF_K = 60  # Cormack, Clarke, Buettcher 2009: the constant of reciprocal rank fusion
DISTANCE, SCORE, FUSED, PLACE = "_distance", "_score", "_relevance_score", "_rowid"

Row = dict[str, Any]
T = TypeVar("T")


def has(root: Path, name: str) -> bool:
    """Say whether a table was ever written."""
    return (root / f"{name}.lance").exists()


def connect(root: Path) -> Any:
    """Return a connection to a folder, made if need be."""
    import lancedb

    root.mkdir(parents=True, exist_ok=True)
    return lancedb.connect(str(root))


def read(root: Path, name: str, question: Callable[[Any], T], *, otherwise: T) -> T:
    """Return what a question finds in the newest version of a table, or `otherwise` without rows.

    A version that was deleted under the reader (`Memories.forget` deletes them all) is read again
    from the one that took its place.
    """
    if not has(root, name):
        return otherwise
    table = _handle(str(root), name, os.getpid())
    try:
        table.checkout_latest()
        return question(table) if table.count_rows() else otherwise
    except (RuntimeError, ValueError, OSError) as error:
        if "not found" not in str(error).lower():
            raise
    table = connect(root).open_table(name)
    return question(table) if table.count_rows() else otherwise


@lru_cache(maxsize=64)
def _handle(root: str, name: str, _process: int) -> Any:
    import lancedb

    return lancedb.connect(root).open_table(name)


def of_person(user_id: str) -> str:
    """Return the filter for one person's rows; `DataError` for what is no pseudonym."""
    return f"user_id = '{require_id(user_id, 'pseudonym')}'"


def any_of(column: str, ids: Iterable[str]) -> str:
    """Return the filter for rows of some ids; `DataError` for what is no id."""
    listed = ", ".join(f"'{require_id(i)}'" for i in ids)
    return f"{column} in ({listed})"


def hybrid_of_few(
    table: Any,
    text: str,
    vector: Sequence[float],
    *,
    where: str,
    columns: Sequence[str],
    depth: int,
) -> list[Row]:
    """Return the same as `hybrid`, for filters that name few rows.

    Those stay in memory until the table has another version: their exact distances take less time
    than asking the table does.
    """
    import numpy as np

    kept = _own(_Asked(table.uri, int(table.version), where, tuple(columns), table))
    if kept is None:
        return hybrid(table, text, vector, where=where, columns=columns, depth=depth)
    likeness = kept.vectors @ np.asarray(vector, np.float32)
    order = np.argsort(-likeness, kind="stable")[:depth].tolist()
    near = [{**kept.rows[n], DISTANCE: 1.0 - float(likeness[n])} for n in order]
    said = matching(table, text, where=where, columns=columns[:1], limit=depth)
    known = {row[columns[0]]: row for row in kept.rows}
    matched = [known[row[columns[0]]] for row in said if row[columns[0]] in known]
    return fused([near, matched], key=columns[0])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is kept in memory, and the handle to ask if it is not."""

    uri: str
    version: int
    where: str
    columns: tuple[str, ...]
    table: Any = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Own:
    rows: list[Row]
    vectors: NDArray[np.float32]


@lru_cache(maxsize=PEOPLE_KEPT)
def _own(asked: _Asked) -> _Own | None:
    """Return the rows that a filter names, in the order of the first column; None for too many."""
    import numpy as np

    query = asked.table.search().where(asked.where).select([*asked.columns, "vector"])
    found = query.limit(OWN_ROWS + 1).to_arrow().sort_by(asked.columns[0])
    if found.num_rows > OWN_ROWS:
        return None
    rows: list[Row] = found.drop_columns(["vector"]).to_pylist()
    width = found.schema.field("vector").type.list_size
    flat = found["vector"].combine_chunks().flatten().to_numpy().astype(np.float32, copy=False)
    return _Own(rows, flat.reshape(len(rows), width))


def nearest(
    table: Any, vector: Sequence[float], *, where: str, columns: Sequence[str], limit: int
) -> list[Row]:
    """Return the rows nearest to a vector by cosine, `_distance` with them, nearest first."""
    query = table.search(vector, vector_column_name="vector").distance_type("cosine")
    query = query.nprobes(PROBES).refine_factor(REFINED)
    return _found(query, where, [*columns, DISTANCE], limit)


def matching(table: Any, text: str, *, where: str, columns: Sequence[str], limit: int) -> list[Row]:
    """Return the rows that share words with a text, in any of their forms, best first."""
    query = table.search(_words(text), query_type="fts")
    return _found(query, where, [*columns, SCORE], limit)


def hybrid(
    table: Any,
    text: str,
    vector: Sequence[float],
    *,
    where: str,
    columns: Sequence[str],
    depth: int,
) -> list[Row]:
    """Return the rows of both searches fused, `depth` of each, best first.

    Both run side by side and find places alone; the columns of what they found are read once.
    """
    near = _beside().submit(nearest, table, vector, where=where, columns=(), limit=depth)
    said = matching(table, text, where=where, columns=(), limit=depth)
    ranked = {row[PLACE]: row for row in fused([near.result(), said], key=PLACE)}
    if not ranked:
        return []
    taken = table.take_row_ids(list(ranked)).select([*columns]).with_row_id().to_arrow()
    rows = [{**row, **ranked[row[PLACE]]} for row in taken.to_pylist()]
    return sorted(rows, key=lambda row: (-row[FUSED], row[columns[0]]))


@cache
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "lance")


def _found(query: Any, where: str, columns: Sequence[str], limit: int) -> list[Row]:
    if where:
        query = query.where(where, prefilter=True)
    query = query.with_row_id(with_row_id=True).select([*columns]).limit(limit)
    found: list[Row] = query.to_arrow().to_pylist()
    return found


def fused(rankings: Sequence[Sequence[Row]], *, key: str) -> list[Row]:
    """Return the rows of several rankings, best first, by the sum of their reciprocal ranks.

    The score is added as `_relevance_score`; rows of equal score stand in the order of their keys.
    """
    scores: dict[Any, float] = {}
    rows: dict[Any, Row] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row[key]] = scores.get(row[key], 0.0) + 1 / (RRF_K + rank)
            rows[row[key]] = {**row, **rows.get(row[key], {})}
    order = sorted(scores, key=lambda k: (-scores[k], k))
    return [{**rows[k], FUSED: scores[k]} for k in order]


def index(table: Any, *, words: str, ids: Sequence[str], vectors: bool = True) -> None:
    """Make the indexes that a table lacks, and fold what is new into those it has.

    `words` is the column of Russian full text, `ids` those that filters name.
    """
    from lancedb.index import FTS, BTree, IvfSq

    have = {column for i in table.list_indices() for column in i.columns}
    if words not in have:
        # the default language is English, and stop words would take away every «не»
        config = FTS(language="Russian", with_position=True, remove_stop_words=False)
        table.create_index(words, config=config)
    for column in ids:
        if column not in have:
            table.create_index(column, config=BTree())
    if vectors and "vector" not in have and table.count_rows() >= INDEX_FROM_ROWS:
        table.create_index("vector", config=IvfSq(distance_type="cosine"))
    table.optimize()


def _words(text: str) -> str:
    """Return the words of a question alone: punctuation is syntax to the full-text parser."""
    return " ".join(re.findall(r"\w+", text)) or "_"
