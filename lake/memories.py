"""What is remembered of each person: facts, summaries and reflections, in LanceDB.

A memory is named by its content, so the same fact told twice is one row with two sources.  One
that a newer one contradicts is not deleted: `replaced_by` names the newer, and searches leave it
out.  Every verb keeps to one person or to ids, whose shape is checked; nobody passes a filter.

When a memory was last used is kept beside the table, in SQLite: it changes with every answer, and
a version of a Lance table an answer would make both slow.

`forget` deletes for real: the rows that stay are written anew, and every older version, data file
and index with the words in it is removed (a plain delete leaves them in the files).
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from lake import lance
from lake.errors import DataError, SchemaError
from lake.ids import content_id, is_id, json_id, require_id

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["fact", "summary", "reflection"]
KINDS: tuple[str, ...] = get_args(Kind)
TABLE = "embeddings_memories"
NOTES = "memories.db"
DEPTH = 30
"""Rows of each of the two rankings that are fused, unless more are wanted."""
COLUMNS = (
    *("memory_id", "user_id", "kind", "text", "importance", "created_at", "sources"),
    *("replaced_by", "replaced_at", "encoder_id"),
)
STANDS = "replaced_by = ''"
NOTHING = "nothing of "  # before what no memory came of: then there need be no table
LOCK_SECONDS = 5.0

Row = dict[str, Any]
Names = list[str]
Rows = list[Row]  # inside the class `list` is a verb


def memory_id_of(user_id: str, kind: str, text: str) -> str:
    """Return the id of a memory: of whom, of which kind, in which words."""
    return content_id("memory", user_id, kind, text)


@dataclass(frozen=True, slots=True)
class Memories:
    """The memories under a home, of everybody; each verb is about one person or some ids."""

    home: Path

    @property
    def root(self) -> Path:
        """The LanceDB folder, the one of `lake.vectors`."""
        return self.home / "vectors"

    def exists(self) -> bool:
        """Say whether anything was ever remembered."""
        return lance.has(self.root, TABLE)

    def upsert(self, rows: Iterable[Mapping[str, Any]], *, dimensions: int) -> int:
        """Write memories by their id, new or again; return how many.

        Rows have the columns of `schema(dimensions)`; `SchemaError` for others, and for ids that
        are not those of their content.
        """
        made = _table_of(rows, dimensions)
        self._merge(made, dimensions)
        return made.num_rows

    def replace(self, user_id: str, rows: Iterable[Mapping[str, Any]], *, dimensions: int) -> int:
        """Swap all memories of a person for these in one commit; return how many."""
        made = _table_of(rows, dimensions)
        if others := set(made["user_id"].to_pylist()) - {user_id}:
            raise SchemaError(
                f"{len(others)} memories are not of the person they are written for.",
                hint="rows of one person at a time",
            )
        self._merge(made, dimensions, instead_of=lance.of_person(user_id))
        return made.num_rows

    def list(self, user_id: str, *, replaced: bool = False) -> Rows:
        """Return what is remembered of a person, oldest first; `replaced` adds what was."""
        where = lance.of_person(user_id) if replaced else f"{lance.of_person(user_id)} and {STANDS}"
        rows = self._rows(where, COLUMNS)
        return self._with_use(sorted(rows, key=lambda r: (r["created_at"], r["memory_id"])))

    def people(self) -> Names:
        """Return the pseudonyms of everybody of whom something is remembered."""
        return sorted({row["user_id"] for row in self._rows("", ["user_id"])})

    def get(self, memory_id: str) -> Row | None:
        """Return one memory, replaced or not, or None."""
        rows = self._rows(lance.any_of("memory_id", [memory_id]), COLUMNS)
        return self._with_use(rows)[0] if rows else None

    def search(
        self,
        user_id: str,
        text: str,
        vector: Sequence[float],
        *,
        limit: int = 10,
        kinds: Sequence[str] = KINDS,
    ) -> Rows:
        """Return a person's standing memories nearest to a text, best first.

        The nearest vectors are fused with Russian full text by reciprocal rank: the score is
        `_relevance_score`, and `_distance` the cosine distance of those that the vectors found.
        """
        where = f"{lance.of_person(user_id)} and {STANDS} and {_of_kinds(kinds)}"
        depth = max(limit, DEPTH)

        def ask(table: Any) -> Rows:
            found = lance.hybrid_of_few(
                table, text, vector, where=where, columns=COLUMNS, depth=depth
            )
            return found[:limit]

        return self._with_use(lance.read(self.root, TABLE, ask, otherwise=[]))

    def touch(self, memory_ids: Iterable[str], now: datetime) -> None:
        """Note that memories were used just now."""
        used = [(require_id(i), now.astimezone(UTC).isoformat()) for i in memory_ids]
        if used:
            with _notes(self.root) as notes:
                notes.executemany("insert or replace into used values (?, ?)", used)

    def forget(self, *, memory_ids: Sequence[str] = (), user_id: str = "") -> int:
        """Delete memories by their ids, or all of a person; return how many there were.

        Their words are gone from the files when this returns.  `DataError` without either.
        """
        if not memory_ids and not user_id:
            raise DataError("Nothing was named to forget.", hint="a memory's id, or a person")
        chosen = [lance.any_of("memory_id", memory_ids)] if memory_ids else []
        chosen += [lance.of_person(user_id)] if user_id else []
        where = " or ".join(f"({part})" for part in chosen)
        gone = [row["memory_id"] for row in self._rows(where, ["memory_id"])]
        if gone:
            self._rewrite_without(where)
            with _notes(self.root) as notes:
                notes.executemany("delete from used where memory_id = ?", [(i,) for i in gone])
                notes.execute("delete from made")  # whoever consolidates looks at everybody anew
        return len(gone)

    def version(self, user_id: str) -> str:
        """Return an id that changes when any memory of a person does; use alone changes nothing."""
        where = lance.of_person(user_id)

        def ask(table: Any) -> str:
            return _version(self.root, int(table.version), where)

        return lance.read(self.root, TABLE, ask, otherwise="")

    def made_from(self, user_id: str = "") -> str:
        """Return what a person's memories, or all, were made from; empty where nobody noted it."""
        with _notes(self.root) as notes:
            asked = "select made_from from made where user_id = ?"
            found = notes.execute(asked, (user_id,)).fetchone()
        noted = str(found[0]) if found else ""
        if noted.startswith(NOTHING):
            return noted.removeprefix(NOTHING)
        return noted if self.exists() else ""

    def note_made_from(self, made_from: str, user_id: str = "") -> None:
        """Note what a person's memories, or all, were made from: equal ids, nothing to do."""
        noted = made_from if self.exists() else NOTHING + made_from
        with _notes(self.root) as notes:
            notes.execute("insert or replace into made values (?, ?)", (user_id, noted))

    def compact(self) -> None:
        """Fold small fragments together."""
        if self.exists():
            self._index(lance.connect(self.root).open_table(TABLE))

    def _merge(self, rows: pa.Table, dimensions: int, *, instead_of: str = "") -> None:
        database = lance.connect(self.root)
        table = (
            database.open_table(TABLE)
            if self.exists()
            else database.create_table(TABLE, schema=schema(dimensions), exist_ok=True)
        )
        merge = table.merge_insert("memory_id").when_matched_update_all()
        merge = merge.when_not_matched_insert_all()
        if instead_of:
            merge = merge.when_not_matched_by_source_delete(instead_of)
        merge.execute(rows)
        if table.count_rows():
            self._index(table)

    def _rewrite_without(self, where: str) -> None:
        """Write the rows that stay as a new table, and remove every file of the old one."""
        import pyarrow as pa

        database = lance.connect(self.root)
        old = database.open_table(TABLE)
        stay = old.search().where(f"not ({where})").limit(None).to_batches(1024)
        rows = pa.RecordBatchReader.from_batches(old.schema, stay)
        table = database.create_table(TABLE, rows, mode="overwrite")
        if table.count_rows():
            self._index(table)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that readers of old versions fail: `lance.read`
            table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    def _rows(self, where: str, columns: Sequence[str]) -> Rows:
        def ask(table: Any) -> Rows:
            query = table.search()
            query = query.where(where) if where else query
            found: Rows = query.select([*columns]).limit(None).to_arrow().to_pylist()
            return found

        return lance.read(self.root, TABLE, ask, otherwise=[])

    def _with_use(self, rows: Rows) -> Rows:
        """Return rows with `last_used_at`: where it was never used, when it was told."""
        if not rows:
            return []
        marks = ", ".join("?" * len(rows))
        with _notes(self.root) as notes:
            asked = f"select memory_id, used_at from used where memory_id in ({marks})"  # noqa: S608
            found = notes.execute(asked, [row["memory_id"] for row in rows])
            used = {i: datetime.fromisoformat(at) for i, at in found}
        return [{**r, "last_used_at": used.get(r["memory_id"], r["created_at"])} for r in rows]

    @staticmethod
    def _index(table: Any) -> None:
        lance.index(table, words="text", ids=["user_id", "memory_id"])


def schema(dimensions: int) -> pa.Schema:
    """Return the columns of a memory.

    `importance` is 1 to 10; `sources` are `dialogue_id/position` of the turns it comes from, or
    the ids of the memories it was made of; `vector` is L2-normalised float32.
    """
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [
            ("memory_id", pa.string()),
            ("user_id", pa.string()),
            ("kind", pa.string()),
            ("text", pa.string()),
            ("importance", pa.int64()),
            ("created_at", moment),
            ("sources", pa.list_(pa.string())),
            ("replaced_by", pa.string()),
            ("replaced_at", moment),
            ("encoder_id", pa.string()),
            ("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def _table_of(rows: Iterable[Mapping[str, Any]], dimensions: int) -> pa.Table:
    """Return rows as Arrow, in the order of their ids; `SchemaError` for what does not fit."""
    import pyarrow as pa

    listed = sorted((dict(row) for row in rows), key=lambda r: str(r.get("memory_id")))
    for row in listed:
        _require_sound(row)
    wanted = set(schema(dimensions).names)
    if odd := next((row.keys() ^ wanted for row in listed if row.keys() != wanted), None):
        raise SchemaError(
            f"A memory has too many or too few columns: {sorted(odd)}.",
            hint="the columns are those of `lake.memories.schema`",
        )
    if len({row["memory_id"] for row in listed}) < len(listed):
        raise SchemaError("A memory is given twice.", hint="one row a memory")
    try:
        return pa.Table.from_pylist(listed, schema=schema(dimensions))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(
            f"A memory does not fit: {error}.", hint="see `lake.memories.schema`"
        ) from None


def _require_sound(row: Mapping[str, Any]) -> None:
    require_id(str(row.get("user_id")), "pseudonym")
    kind, text = str(row.get("kind")), str(row.get("text"))
    if kind not in KINDS:
        raise SchemaError(f"`{kind}` is no kind of memory.", hint=f"one of {', '.join(KINDS)}")
    if row.get("memory_id") != memory_id_of(str(row["user_id"]), kind, text):
        raise SchemaError(
            "A memory's id is not that of its content.", hint="`lake.memories.memory_id_of`"
        )
    if row.get("replaced_by") and not is_id(str(row["replaced_by"])):
        raise SchemaError("`replaced_by` is no memory's id.", hint="an id, or empty")


def _of_kinds(kinds: Sequence[str]) -> str:
    if odd := [kind for kind in kinds if kind not in KINDS]:
        raise DataError(f"`{odd[0]}` is no kind of memory.", hint=f"one of {', '.join(KINDS)}")
    return "kind in ({})".format(", ".join(f"'{kind}'" for kind in kinds))


@lru_cache(maxsize=1024)
def _version(root: Path, version: int, where: str) -> str:
    """Return the id of a person's rows as a version of the table has them."""
    table = lance.connect(root).open_table(TABLE)
    table.checkout(version)
    columns = ["memory_id", "importance", "replaced_by"]
    rows = table.search().where(where).select(columns).limit(None).to_arrow().to_pylist()
    return json_id(sorted([r["memory_id"], r["importance"], r["replaced_by"]] for r in rows))


@contextmanager
def _notes(root: Path) -> Iterator[sqlite3.Connection]:
    """Open the notes of use, and keep what was done if nothing was raised."""
    root.mkdir(parents=True, exist_ok=True)
    notes = sqlite3.connect(root / NOTES, timeout=LOCK_SECONDS)
    try:
        notes.execute("pragma journal_mode = wal")
        notes.execute("pragma synchronous = off")  # lost use is no loss
        notes.execute("create table if not exists used (memory_id text primary key, used_at text)")
        notes.execute("create table if not exists made (user_id text primary key, made_from text)")
        yield notes
        notes.commit()
    finally:
        notes.close()
