"""`messages`: the form of OpenAI's API and of Hugging Face datasets, as JSON or Parquet.

{"messages": [{"role": "user", "content": "..."}, ...], "conversation_id": "..."}
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from assets.sources.reading import (
    Head,
    Item,
    Options,
    Source,
    head_of,
    is_lines,
    json_line,
    json_records,
    lines,
    open_regular,
)
from assets.sources.records import Keys, dialogue_from
from lake.schemas import Dialogue, Message, Unreadable

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
    head = head_of(path)
    if head.raw.startswith(PARQUET_MAGIC):
        yield from map(_item, _parquet_records(path))
    elif is_lines(head):
        yield from _from_lines(path)
    else:
        yield from map(_item, json_records(path))


class _Said(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "user", "assistant", "tool"]
    content: str


class _Talk(msgspec.Struct):
    """The plain form of a record; what has more to it goes the patient way."""

    messages: Annotated[list[_Said], msgspec.Meta(min_length=1)]
    conversation_id: str = ""
    id: str = ""
    title: str = ""
    language: str = ""
    lang: str = ""
    user: str = ""


_PLAIN = msgspec.json.Decoder(_Talk)
PLAIN_BYTES = 1 << 20  # a longer line has its parts counted before it is decoded


def _from_lines(path: Path) -> Iterator[Item]:
    """Yield a dialogue a line: plain records are decoded straight into their form."""
    for line in lines(path):
        talk = None
        if line.whole and len(line.raw) < PLAIN_BYTES:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                talk = _PLAIN.decode(line.raw)
        if talk is not None:
            yield Dialogue(
                tuple([Message(said.role, said.content) for said in talk.messages]),
                NAME,
                talk.conversation_id or talk.id,
                talk.title,
                f"line {line.number}",
                talk.language or talk.lang,
                talk.user,
            )
        elif line.raw.strip():
            position = f"line {line.number}"
            yield _item((position, json_line(line, position)))


def _item(placed: tuple[str, dict[str, Any] | Unreadable]) -> Item:
    position, record = placed
    if isinstance(record, Unreadable):
        return record
    return dialogue_from(record, KEYS, source=NAME, position=position)


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
