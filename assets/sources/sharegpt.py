"""`sharegpt`: what the ShareGPT extension exported and FastChat trains on.

    [{"id": "...", "conversations": [{"from": "human", "value": "..."}, ...]}, ...]

Values may hold HTML; they are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import Keys, dialogue_from
from lake.schemas import Unreadable

NAME = "sharegpt"
KEYS = Keys("conversations", "from", "value")


def recognises(head: Head) -> bool:
    """JSON with the unescaped key `conversations`."""
    opens = head.text.lstrip().startswith(("{", "["))
    return opens and re.search(r'(?<!\\)"conversations"\s*:', head.text) is not None


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue an item."""
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield record
        else:
            yield dialogue_from(record, KEYS, source=NAME, position=position)


SOURCE = Source(NAME, recognises, read)
