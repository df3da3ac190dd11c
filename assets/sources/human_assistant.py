"""`human_assistant`: `### Human: ... ### Assistant: ...`, the text form of OASST and Guanaco.

A text file of it is one dialogue.  JSON lines hold the text in `text` (Guanaco's set) or in
`input`, with the last answer apart in `output` (OASST's threads):

    {"message_id": "...", "input": "### Human: ... ### Assistant:", "output": "..."}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.reading import (
    MAX_RECORD_BYTES,
    Head,
    Item,
    Options,
    Source,
    chunks,
    decoded,
    json_records,
    too_large,
)
from assets.sources.records import id_from, role_from, text_from, unreadable
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

NAME = "human_assistant"
_MARK = re.compile(r"### (Human|Assistant|System):")
_JSON_FORM = re.compile(r'(?<!\\)"(?:text|input)"\s*:\s*"### (?:Human|System):')


def recognises(head: Head) -> bool:
    """The text itself begins with a mark, or a JSON field `text` or `input` does."""
    text = head.text.lstrip()
    is_json = text.startswith(("{", "[")) and _JSON_FORM.search(text) is not None
    return is_json or _MARK.match(text) is not None


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a JSON record, or the one dialogue of a text file."""
    if _starts_as_text(path):
        yield _from_file(path)
        return
    for position, record in json_records(path):
        yield record if isinstance(record, Unreadable) else _from_record(record, position)


def render(dialogue: Dialogue) -> str:
    """Return a dialogue as text; contents must not begin or end in white space."""
    names = {"user": "Human", "assistant": "Assistant", "system": "System"}
    return " ".join(f"### {names[m.role]}: {m.content}" for m in dialogue.messages)


def _starts_as_text(path: Path) -> bool:
    start = next(chunks(path), b"").lstrip()
    return start.startswith(b"###")


def _from_file(path: Path) -> Item:
    raw = bytearray()
    for chunk in chunks(path):
        raw += chunk
        if len(raw) > MAX_RECORD_BYTES:
            return too_large("text", bytes(raw[:1024]))
    text = decoded(bytes(raw), "text")
    if isinstance(text, Unreadable):
        return text
    return _dialogue({"text": text}, text, "text")


def _from_record(record: Mapping[str, Any], position: str) -> Item:
    text = text_from(record, "text") or text_from(record, "input")
    answer = text_from(record, "output")
    joined = f"{text.rstrip()} {answer}" if answer else text
    return _dialogue(record, joined, position)


def _dialogue(record: Mapping[str, Any], text: str, position: str) -> Item:
    before, *parts = _MARK.split(text)
    try:
        if before.strip() or not parts:
            raise SourceFormatError("no_messages", "The text does not begin with a speaker.")
        pairs = zip(parts[::2], parts[1::2], strict=True)
        messages = tuple(Message(role_from(name), content.strip()) for name, content in pairs)
    except SourceFormatError as error:
        return unreadable(error, record, position)
    return Dialogue(
        messages,
        source=NAME,
        conversation_id=id_from(record, "conversation_id", "message_id", "id"),
        position=position,
        language=text_from(record, "lang"),
    )


SOURCE = Source(NAME, recognises, read)
