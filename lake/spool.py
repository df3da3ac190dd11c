"""Rows set aside on disk until their table's turn: memory holds none of them.

    with Spool() as dropped:
        dropped.add(table)
        lake.replace("cleaned_dropped", dropped.tables(), ...)

Tables are not made while they are written: delta-rs takes a stream on a thread of its own
runtime, where no other Delta table can be opened, and a stream that fails late has cost a write.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pyarrow as pa


SHOWN_ROWS = 5


class Spool:
    """Arrow tables of the same columns in a nameless temporary file, written once and read once."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._writer: pa.RecordBatchFileWriter | None = None
        self._schema: pa.Schema | None = None
        self.first: pa.Table | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def add(self, table: pa.Table) -> None:
        """Set rows aside, as the first ones came: in their order of columns and widths of types.

        Raise Arrow's `ArrowInvalid` or `KeyError` for other columns or values that do not fit.
        """
        import pyarrow as pa

        if self._writer is None or self._schema is None:
            self._schema = table.schema
            self._writer = pa.ipc.new_file(self._file, table.schema)
        table = table.select(self._schema.names).cast(self._schema)
        if self.first is None and table.num_rows:
            self.first = table.slice(0, SHOWN_ROWS)
        self._writer.write_table(table)
        self.rows += table.num_rows

    def tables(self) -> Iterator[pa.Table]:
        """Yield what was set aside, in its order; nothing can be added from then on."""
        import pyarrow as pa

        yield from map(pa.table, self.batches())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the same batch by batch, as often as one likes."""
        import pyarrow as pa

        if self._writer is not None:
            self._writer.close()
            self._file.seek(0)
            with pa.ipc.open_file(self._file) as reader:
                for number in range(reader.num_record_batches):
                    yield reader.get_batch(number)

    def preview(self) -> list[dict]:
        """Return the first rows, to be shown."""
        return [] if self.first is None else self.first.to_pylist()
