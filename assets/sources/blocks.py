"""Text cut at blank lines, with the bounds of a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assets.sources.reading import (
    MAX_RECORD_BYTES,
    MAX_RECORD_LINES,
    Line,
    decoded,
    too_large,
)
from lake.schemas import Unreadable


def blocks(found: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the runs of lines with anything on them; of one over the bounds a cut first line."""
    block: list[Line] = []
    size = 0
    for line in found:
        if line.raw and not line.raw.isspace():
            size += len(line.raw)
            if size <= MAX_RECORD_BYTES and len(block) < MAX_RECORD_LINES:
                block.append(line)
            elif block:  # go past the rest of a block over the limit
                block[0] = block[0]._replace(whole=False)
            else:
                block.append(line._replace(whole=False))
        elif block:
            yield block
            block, size = [], 0
    if block:
        yield block


def text_of(block: list[Line]) -> tuple[str, str | Unreadable]:
    """Return the position of a block, and its text or why it has none."""
    position = f"lines {block[0].number}-{block[-1].number}"
    if not all(line.whole for line in block):
        return position, too_large(position, block[0].raw)
    return position, decoded(b"\n".join(line.raw for line in block), position)
