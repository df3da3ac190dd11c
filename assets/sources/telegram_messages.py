"""One message of a Telegram export: its text from entities, its media by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assets.sources.records import id_from, text_from

_FILES = ("photo", "file", "contact_vcard")
_NOT_EXPORTED = "(File "  # "(File not included. Change data exporting settings to download.)"
# What a message may be besides text and files, by the field that holds it.
_THINGS = {
    "location_information": "location",
    "contact_information": "contact",
    "poll": "poll",
    "game_title": "game",
    "invoice_information": "invoice",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said: `answers` is the id of the message it replies to."""

    message_id: str
    person: str
    person_id: str
    text: str
    when: datetime | None
    is_local: bool
    files: tuple[str, ...]
    answers: str
    is_edited: bool
    is_forwarded: bool


def said_in(record: Mapping[str, Any], when: datetime | None) -> Said | None:
    """Return what a message says, None if it says nothing at all."""
    files = tuple(_files(record))
    parts = [*_media(record, files), _text(record.get("text") or record.get("text_entities"))]
    text = "\n".join(part for part in parts if part)
    if not text.strip():
        return None
    is_forwarded = "forwarded_from" in record
    person, person_id = text_from(record, "from"), id_from(record, "from_id")
    return Said(
        message_id=id_from(record, "id"),
        person=person,
        person_id=person_id or person,
        text=f"[forwarded]\n{text}" if is_forwarded else text,
        when=when,
        is_local="date_unixtime" not in record,
        files=files,
        answers=id_from(record, "reply_to_message_id"),
        is_edited="edited" in record,
        is_forwarded=is_forwarded,
    )


def _text(value: object) -> str:
    """Return a text that is a string, or a list of strings and entities."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else []
    return "".join(part if isinstance(part, str) else _entity(part) for part in parts)


def _entity(part: object) -> str:
    """Return an entity's text; code keeps its fence and a link its address, as in Markdown."""
    if not isinstance(part, dict):
        return ""
    text, kind = text_from(part, "text"), part.get("type")
    if kind == "pre":
        return f"```{text_from(part, 'language')}\n{text}\n```"
    if kind == "text_link" and part.get("href"):
        return f"[{text}]({text_from(part, 'href')})"
    return text


def _files(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the files of a message: their paths in the export, or the names they had."""
    for field in _FILES:
        path = text_from(record, field)
        if path.startswith(_NOT_EXPORTED):
            path = text_from(record, "file_name")
        if path:
            yield path


def _media(record: Mapping[str, Any], files: tuple[str, ...]) -> Iterator[str]:
    """Yield what stands beside the text, in brackets: `[photo]`, `[sticker 🙂]`, `[poll] ...`."""
    kind = text_from(record, "media_type")
    if "photo" in record:
        yield "[photo]"
    elif kind:
        yield f"[{kind} {text_from(record, 'sticker_emoji')}".rstrip() + "]"
    elif "file" in record:
        name = text_from(record, "file_name") or (files[0].rpartition("/")[2] if files else "")
        yield f"[file: {name}]" if name else "[file]"
    for field, thing in _THINGS.items():
        value = record.get(field)
        if value:
            about = text_from(value, "question") if isinstance(value, dict) else ""
            yield f"[{thing}] {about}".rstrip()
