"""Between what sources yield and what tables hold: pure functions, one a direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lake.ids import content_id
from lake.schemas import Dialogue, Message, Unreadable


def record_row(
    dialogue: Dialogue, *, file: str, file_id: str, index: int, owner: str
) -> dict[str, Any]:
    """Return a dialogue as a row of `raw_records`; its id is the file's name and its place."""
    return {
        "record_id": content_id("record", file, str(index)),
        "source": dialogue.source,
        "file": file,
        "file_id": file_id,
        "position": dialogue.position,
        "conversation_id": dialogue.conversation_id,
        "title": dialogue.title,
        "user_id": dialogue.user or owner,
        "messages": [message_row(m) for m in dialogue.messages],
        "annotations": list(dialogue.annotations),
    }


def quarantined_row(item: Unreadable, *, file: str, file_id: str, index: int) -> dict[str, Any]:
    """Return what could not be read as a row of `raw_quarantined`; `file_id` is of its bytes."""
    return {
        "record_id": content_id("record", file, str(index)),
        "file": file,
        "file_id": file_id,
        "position": item.position,
        "reason": item.reason,
        "detail": item.detail,
        "excerpt": item.excerpt[:200],
    }


def message_row(message: Message) -> dict[str, Any]:
    """Return a message as the struct that tables hold."""
    return {
        "message_id": message.message_id,
        "role": message.role,
        "content": message.content,
        "created_at": message.created_at,
    }


def dialogue_of(row: Mapping[str, Any]) -> Dialogue:
    """Return the dialogue of a row of `raw_records`: the inverse of `record_row`."""
    return Dialogue(
        messages=tuple(message_of(m) for m in row["messages"]),
        source=row["source"],
        conversation_id=row["conversation_id"],
        title=row["title"],
        position=row["position"],
        user=row["user_id"],
        annotations=tuple(row["annotations"]),
    )


def message_of(row: Mapping[str, Any]) -> Message:
    """Return the message of a struct."""
    return Message(row["role"], row["content"], row["created_at"], row["message_id"])


def chat_of(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a row's messages as `{"role", "content"}`."""
    return [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
