"""`baize`: the self-chats of Baize (https://github.com/project-baize/baize-chatbot).

    {"topic": "...", "input": "The conversation between human and AI assistant.\n[|Human|] ...
                               \n[|AI|] ...\n[|Human|] "}

Every exchange is kept, the last one too; only the empty mark at the end, which asks a model to go
on, is no message.  A first line that is not Baize's own is an annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import text_from, unreadable
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

NAME = "baize"
OPENING = "The conversation between human and AI assistant."
_ROLES = {"Human": "user", "AI": "assistant"}
_MARK = re.compile(r"\[\|(Human|AI)\|\]")


def recognises(head: Head) -> bool:
    """Records whose `input` holds Baize's marks."""
    return "input" in head.keys and _MARK.search(head.text) is not None


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a record."""
    for position, record in json_records(path):
        yield record if isinstance(record, Unreadable) else _dialogue(record, position)


def _dialogue(record: Mapping[str, Any], position: str) -> Item:
    before, *parts = _MARK.split(text_from(record, "input"))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    said = [Message(_ROLES[name], text.strip()) for name, text in pairs]
    if said and said[-1].role == "user" and not said[-1].content:
        said.pop()
    if not said:
        error = SourceFormatError("no_messages", "Nobody speaks in `input`.")
        return unreadable(error, record, position)
    opening = before.strip()
    return Dialogue(
        tuple(said),
        source=NAME,
        title=text_from(record, "topic"),
        position=position,
        annotations=(opening,) if opening not in ("", OPENING) else (),
    )


SOURCE = Source(NAME, recognises, read)
