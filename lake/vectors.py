"""Turns as vectors and as Russian full text, in LanceDB.

A day is replaced in one atomic merge, as in `lake.tables`.  Search fuses the nearest vectors with
full text by reciprocal rank.  A person's turns are found by a scalar index.  Below
`lance.INDEX_FROM_ROWS` vectors the search is exact; above, an IVF_SQ index answers (figures:
`tests/benchmarks/retrieval.py`).  Dimensions must be a multiple of 8: an index over 300 found
next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake import lance
from lake.errors import DataError
from lake.schemas import ROLES

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

TABLE = "embeddings_messages"
DIALOGUES = "embeddings_dialogues"  # one vector a dialogue; no words
BLOCK_ROWS = 4096
DEPTH = 20
"""Rows of each of the two rankings that are fused, unless more are wanted."""
TURN = ("id", "day", "dialogue_id", "revision", "position", "role", "user_id", "text")


@dataclass(frozen=True, slots=True)
class Vectors:
    """One table of vectors under a home: of turns, or of whole dialogues."""

    home: Path
    table: str = TABLE

    @property
    def root(self) -> Path:
        """The LanceDB folder."""
        return self.home / "vectors"

    def exists(self) -> bool:
        """Say whether any day was embedded yet."""
        return lance.has(self.root, self.table)

    def replace(self, batches: Iterable[pa.RecordBatch], *, day: date, dimensions: int) -> int:
        """Swap one day's turns for these; return the table's new version.

        Batches have the columns of `schema(dimensions)`; they are taken one at a time.
        """
        import pyarrow as pa

        table = self._table(dimensions)
        rows = pa.RecordBatchReader.from_batches(schema(dimensions), batches)
        (
            table.merge_insert("id")
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .when_not_matched_by_source_delete(f"day = '{day}'")
            .execute(rows)
        )
        if self.table == TABLE and table.count_rows():
            self._index(table)
        return table.version

    def made_from(self, day: date) -> set[str]:
        """Return the fingerprints of a day's rows: one, or none where there are no rows."""
        if not self.exists():
            return set()
        query = self._connect().open_table(self.table).search().where(f"day = '{day}'")
        return set(query.select(["made_from"]).limit(None).to_arrow()["made_from"].to_pylist())

    def blocks(self, *, before: date) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Yield the dialogue ids and vectors of earlier days, some thousands at a time."""
        import numpy as np

        if not self.exists():
            return
        query = self._connect().open_table(self.table).search().where(f"day < '{before}'")
        for batch in query.select(["dialogue_id", "vector"]).limit(None).to_batches(BLOCK_ROWS):
            flat = batch.column("vector").flatten().to_numpy()
            ids = batch.column("dialogue_id").to_pylist()
            yield ids, flat.reshape(len(ids), -1).astype(np.float32, copy=False)

    def count(self) -> int:
        """Return the number of turns embedded."""
        return self._connect().open_table(self.table).count_rows() if self.exists() else 0

    def search(
        self,
        text: str,
        vector: Sequence[float],
        *,
        limit: int = 10,
        user_id: str = "",
        role: str = "",
    ) -> list[dict[str, Any]]:
        """Return the turns nearest to a text, best first, by vector and full text fused.

        `user_id` narrows the search to one person's turns, `role` to what one side said; an id
        that is no pseudonym is a `DataError`.  `_relevance_score` is the fused score, `_distance`
        the cosine distance of those that the vectors found.
        """
        where = _filter(user_id, role)
        depth = max(limit, DEPTH)

        def ask(table: Any) -> list[dict[str, Any]]:
            found = lance.hybrid(table, text, vector, where=where, columns=TURN, depth=depth)
            return found[:limit]

        return lance.read(self.root, self.table, ask, otherwise=[])

    def nearest(
        self, vector: Sequence[float], *, limit: int = 10, user_id: str = ""
    ) -> list[dict[str, Any]]:
        """Return the turns nearest to a vector, of one person or of all, nearest first."""
        where = _filter(user_id, "")

        def ask(table: Any) -> list[dict[str, Any]]:
            return lance.nearest(table, vector, where=where, columns=TURN, limit=limit)

        return lance.read(self.root, self.table, ask, otherwise=[])

    def compact(self) -> None:
        """Fold small fragments together, and make the indexes that a table of this size has."""
        if self.exists():
            self._index(self._connect().open_table(self.table))

    def _index(self, table: Any) -> None:
        if self.table == TABLE:
            lance.index(table, words="text", ids=["user_id"])
        else:
            table.optimize()

    def _connect(self) -> Any:
        return lance.connect(self.root)

    def _table(self, dimensions: int) -> Any:
        database = self._connect()
        if self.exists():
            return database.open_table(self.table)
        return database.create_table(self.table, schema=schema(dimensions), exist_ok=True)


def schema(dimensions: int) -> pa.Schema:
    """Return the columns of an embedded turn; `vector` is L2-normalised float32."""
    import pyarrow as pa

    return pa.schema(
        [
            ("id", pa.string()),
            ("day", pa.string()),
            ("dialogue_id", pa.string()),
            ("revision", pa.string()),
            ("position", pa.int64()),
            ("role", pa.string()),
            ("user_id", pa.string()),
            ("text", pa.string()),
            ("encoder_id", pa.string()),
            ("made_from", pa.string()),
            ("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def _filter(user_id: str, role: str) -> str:
    """Return the filter of a search, of checked words alone."""
    parts = [lance.of_person(user_id)] if user_id else []
    if role:
        if role not in ROLES:
            raise DataError(f"`{role}` is no role.", hint=f"one of {', '.join(ROLES)}")
        parts.append(f"role = '{role}'")
    return " and ".join(parts)
