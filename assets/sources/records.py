"""From a decoded record to a `Dialogue`: roles, contents, ids and times, each checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from assets.sources.reading import Item, excerpt_of
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

# What exports call the speakers: OpenAI, ShareGPT, OASST, Saiga, Gemini, in that order.
ROLE_NAMES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "observation": "tool",
    "prompter": "user",
    "bot": "assistant",
    "agent": "assistant",
    "model": "assistant",
}
MAX_ID_BITS = 128  # an id given as a number; a longer one is no id


@dataclass(frozen=True, slots=True)
class Keys:
    """What a format calls the list of messages, the speaker and the text."""

    messages: str
    role: str
    content: str


def dialogue_from(record: Mapping[str, Any], keys: Keys, *, source: str, position: str) -> Item:
    """Return the record's dialogue, or the reason why it has none."""
    try:
        return Dialogue(
            messages=messages_from(record.get(keys.messages), keys),
            source=source,
            conversation_id=id_from(record, "conversation_id", "id"),
            title=text_from(record, "title"),
            position=position,
            language=text_from(record, "language") or text_from(record, "lang"),
            user=text_from(record, "user"),
        )
    except SourceFormatError as error:
        return unreadable(error, record, position)


def unreadable(error: SourceFormatError, record: object, position: str) -> Unreadable:
    """Return what a record's fault becomes as data."""
    return Unreadable(error.reason, position, excerpt_of(_shown(record)), error.message)


def messages_from(values: object, keys: Keys) -> tuple[Message, ...]:
    """Return the messages of a JSON list; `SourceFormatError` names the first fault."""
    if not isinstance(values, list) or not values:
        raise SourceFormatError("no_messages", f"`{keys.messages}` is no list with messages.")
    return tuple(_message(value, keys, number) for number, value in enumerate(values, 1))


def role_from(name: object) -> str:
    """Return one of our four roles for a speaker's name in an export."""
    role = ROLE_NAMES.get(name.strip().lower()) if isinstance(name, str) else None
    if role is None:
        raise SourceFormatError("unknown_role", f"Nobody here is called {excerpt_of(repr(name))}.")
    return role


def id_from(record: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that holds an id, as text; "" if none does."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and value.bit_length() <= MAX_ID_BITS:
            return str(value)
    return ""


def text_from(record: Mapping[str, Any], name: str) -> str:
    """Return a field's text, "" where it is absent or no text."""
    value = record.get(name)
    return value if isinstance(value, str) else ""


def objects_from(value: object) -> list[dict[str, Any]]:
    """Return the objects of a JSON list; whatever else stands there is passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def moment_from(value: object) -> datetime | None:
    """Return an ISO 8601 time in UTC, None for anything else; one without a zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment_from_epoch(value: object) -> datetime | None:
    """Return the UTC time of seconds since 1970, a number or its text; None for anything else."""
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) else math.nan
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _message(value: object, keys: Keys, number: int) -> Message:
    if not isinstance(value, dict):
        raise SourceFormatError("bad_message", f"Message {number} is not an object.")
    return Message(
        role=role_from(value.get(keys.role)),
        content=_content(value, keys, number),
        created_at=moment_from(value.get("created_at")),
        message_id=id_from(value, "message_id", "id"),
    )


def _content(message: Mapping[str, Any], keys: Keys, number: int) -> str:
    """Return a message's text: a string, OpenAI's list of parts, or the calls of tools."""
    value = message.get(keys.content)
    calls = message.get("tool_calls") or []
    parts = value if isinstance(value, list) else [value] if value is not None else []
    if not isinstance(calls, list) or not (parts or calls):
        raise SourceFormatError("bad_content", f"Message {number} has no `{keys.content}`.")
    texts = [_part(part, number) for part in parts] + [_call(call) for call in calls]
    return "\n".join(texts) if len(texts) != 1 else texts[0]


def _part(part: object, number: int) -> str:
    """Return a part's text; a picture or a sound is named, as it cannot be kept."""
    if isinstance(part, str):
        return part
    if isinstance(part, dict):
        text = part.get("text")
        return text if isinstance(text, str) else f"[{excerpt_of(str(part.get('type')))}]"
    raise SourceFormatError("bad_content", f"Message {number} holds no text.")


def _call(call: object) -> str:
    """Return a call of a tool the way Qwen's chat template writes it."""
    function = call.get("function", call) if isinstance(call, dict) else call
    return f"<tool_call>\n{json.dumps(function, ensure_ascii=False)}\n</tool_call>"


def _shown(record: object) -> str:
    """Return the start of a record as JSON: only so much of it as an excerpt needs."""
    if not isinstance(record, Mapping):
        return str(record)
    return json.dumps(
        {key: record[key] for key in list(record)[:8]}, ensure_ascii=False, default=str
    )
