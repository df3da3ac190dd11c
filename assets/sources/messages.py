"""`messages`: the form of OpenAI's API and of Hugging Face datasets, as JSON or Parquet.

{"messages": [{"role": "user", "content": "..."}, ...], "conversation_id": "..."}
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.sources.reading import Head, Item, Options, Source, head_of, json_records, open_regular
from assets.sources.records import Keys, dialogue_from
from lake.schemas import Unreadable

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "messages"
KEYS = Keys("messages", "role", "content")
PARQUET_MAGIC = b"PAR1"
COLUMNS = ("messages", "conversation_id", "id", "title", "language", "lang", "user")
BATCH_ROWS = 256
# A footer is read whole and a row group's column is decoded whole: both are bounded first.
MAX_FOOTER_ITEMS = 1_000_000
MAX_GROUP_BYTES = 1 << 30


def recognises(head: Head) -> bool:
    """Parquet by its magic bytes; JSON by the unescaped key `messages`."""
    opens = head.text.lstrip().startswith(("{", "["))
    found = re.search(r'(?<!\\)"messages"\s*:', head.text)
    return head.raw.startswith(PARQUET_MAGIC) or (opens and found is not None)


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a record; of Parquet, a dialogue a row."""
    is_parquet = head_of(path).raw.startswith(PARQUET_MAGIC)
    records = _parquet_records(path) if is_parquet else json_records(path)
    for position, record in records:
        if isinstance(record, Unreadable):
            yield record
        else:
            yield dialogue_from(record, KEYS, source=NAME, position=position)


def _parquet_records(path: Path) -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with os.fdopen(open_regular(path), "rb") as handle:
            file = pq.ParquetFile(
                handle,
                thrift_string_size_limit=MAX_FOOTER_ITEMS * 16,
                thrift_container_size_limit=MAX_FOOTER_ITEMS,
            )
            if refused := _refused(file):
                yield "", refused
                return
            columns = [name for name in COLUMNS if name in file.schema_arrow.names]
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                for row in range(batch.num_rows):
                    number += 1
                    yield f"row {number}", _row(batch, row, f"row {number}")
    except (pa.ArrowException, OSError) as error:
        detail = f"Parquet cannot be read past row {number}: {str(error).splitlines()[0]}."
        yield "", Unreadable("bad_parquet", f"row {number + 1}", detail=detail)


def _refused(file: Any) -> Unreadable | None:
    if "messages" not in file.schema_arrow.names:
        names = ", ".join(file.schema_arrow.names[:20])
        return Unreadable("wrong_schema", excerpt=names[:200], detail="No column `messages`.")
    groups = (file.metadata.row_group(n) for n in range(file.metadata.num_row_groups))
    if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
        return Unreadable("record_too_large", detail="A row group is larger than 1 GiB.")
    return None


def _row(batch: pa.RecordBatch, row: int, position: str) -> dict[str, Any] | Unreadable:
    try:
        record: dict[str, Any] = batch.slice(row, 1).to_pylist()[0]
    except UnicodeDecodeError as error:
        return Unreadable("not_utf8", position, detail=f"Byte {error.start} is not UTF-8.")
    return record


SOURCE = Source(NAME, recognises, read)
