"""The flat frame of cleaning: one row a message, in the order of records and of turns.

Columns: `record` (the row of the batch), `position` (the place in the source's dialogue),
`message_id`, `role`, `content`, `created_at`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lake.schemas import Message

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

MESSAGE_COLUMNS = ("message_id", "role", "content", "created_at")


def exploded(messages: pa.ListArray) -> pl.DataFrame:
    """Return the messages of a batch of dialogues, flat."""
    import numpy as np
    import polars as pl

    offsets = messages.offsets.to_numpy().astype(np.int64)
    lengths = np.diff(offsets)
    flat = messages.flatten()
    record = np.repeat(np.arange(len(messages), dtype=np.uint32), lengths)
    position = np.arange(len(flat)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    fields = {name: pl.from_arrow(flat.field(name)) for name in MESSAGE_COLUMNS}
    return pl.DataFrame({"record": record, "position": position.astype(np.uint32), **fields})


def starts(said: pl.DataFrame, records: int) -> np.ndarray:
    """Return where each record's rows begin, and after the last where they end: int64 (n + 1)."""
    import numpy as np

    return np.searchsorted(said["record"].to_numpy(), np.arange(records + 1))


def nested(said: pl.DataFrame, records: int) -> pa.ListArray:
    """Return the messages as one list a record: the inverse of `exploded`."""
    import polars as pl
    import pyarrow as pa

    oldest = pl.CompatLevel.oldest()
    columns = [said[name].to_arrow(compat_level=oldest) for name in MESSAGE_COLUMNS]
    structs = pa.StructArray.from_arrays(columns, names=list(MESSAGE_COLUMNS))
    return pa.ListArray.from_arrays(pa.array(starts(said, records), pa.int32()), structs)


def joined(said: pl.DataFrame, records: int) -> pa.LargeStringArray:
    """Return each record's contents as one text, a line feed after each.

    The contents lie one after another in Arrow's buffer, so the texts are views on it: nothing
    is grouped and nothing copied twice.
    """
    import polars as pl
    import pyarrow as pa

    lines = (said["content"] + "\n").to_arrow(compat_level=pl.CompatLevel.oldest())
    lines = lines.cast(pa.large_string())
    begins = pa.array(starts(said, records), pa.int64())
    offsets = pa.array(_offsets(lines)).take(begins)
    return pa.LargeStringArray.from_buffers(records, offsets.buffers()[1], lines.buffers()[2])


def patched(
    said: pl.DataFrame, rows: Sequence[int] | np.ndarray, contents: Iterable[str]
) -> pl.DataFrame:
    """Return the frame with other contents in these rows."""
    import numpy as np
    import polars as pl

    new = pl.Series("content", list(contents), dtype=pl.String)
    taken = np.arange(len(said))
    taken[rows] = len(said) + np.arange(len(new))
    return said.with_columns(pl.concat([said["content"], new]).gather(taken).alias("content"))


def rows_where(said: pl.DataFrame, gate: str) -> np.ndarray:
    """Return the rows whose content a gate lets through."""
    return said["content"].str.contains(gate).arg_true().to_numpy()


def either(gates: Iterable[str]) -> str:
    """Return the gate that lets through what any of these does; nothing where there are none."""
    return "|".join(f"(?:{gate})" for gate in gates) or r"[^\s\S]"


def messages_of(rows: pl.DataFrame) -> list[Message]:
    """Return rows as messages."""
    return [
        Message(role, content, created_at, message_id)
        for message_id, role, content, created_at in rows.select(MESSAGE_COLUMNS).iter_rows()
    ]


def _offsets(texts: pa.LargeStringArray) -> np.ndarray:
    import numpy as np

    return np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
