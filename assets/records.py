"""Between what sources yield and what tables hold: pure functions, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import msgspec

from lake.ids import ids_under
from lake.schemas import EXCERPT_CHARACTERS, Dialogue, Message, Preference, Unreadable

if TYPE_CHECKING:
    import pyarrow as pa


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record stood: its file by name and bytes, and its number in the file.

    File and number make its `record_id`.
    """

    file: str
    file_id: str
    number: int


def records_table(
    dialogues: Sequence[Dialogue],
    places: Sequence[Place],
    *,
    first_number: int,
    owner: str,
    pseudonym: Callable[[str], str],
) -> pa.Table:
    """Return dialogues as rows of `raw_records`, numbered on from `first_number`.

    `owner` is the pseudonym of who spoke where the source does not say.
    """
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    return pa.table(
        {
            **_places(places),
            "number": pa.array(range(first_number, first_number + len(dialogues)), pa.int64()),
            "source": pa.array([d.source for d in dialogues], text),
            "position": pa.array([d.position for d in dialogues], text),
            "conversation_id": pa.array([d.conversation_id for d in dialogues], text),
            "title": pa.array([d.title for d in dialogues], text),
            "user_id": pa.array([pseudonym(d.user) if d.user else owner for d in dialogues], text),
            "messages": messages_array([d.messages for d in dialogues]),
            "annotations": pa.array([d.annotations for d in dialogues], texts),
            "participants": pa.array(
                [(*map(pseudonym, d.participants),) for d in dialogues], texts
            ),
            "attachments": pa.array([d.attachments for d in dialogues], texts),
            "remarks": pa.array([d.remarks for d in dialogues], texts),
        }
    )


def preferences_table(
    made: Sequence[Preference], places: Sequence[Place], *, pseudonym: Callable[[str], str]
) -> pa.Table:
    """Return choices as rows of `raw_preferences`."""
    import pyarrow as pa

    columns = ("source", "position", "conversation_id", "origin", "chosen", "rejected")
    return pa.table(
        {
            **_places(places),
            **{c: pa.array([getattr(p, c) for p in made], pa.string()) for c in columns},
            "participants": pa.array(
                [(*map(pseudonym, p.participants),) for p in made], pa.list_(pa.string())
            ),
            "prompt": messages_array([p.prompt for p in made]),
        }
    )


def quarantined_table(unread: Sequence[Unreadable], places: Sequence[Place]) -> pa.Table:
    """Return what could not be read as rows of `raw_quarantined`."""
    import pyarrow as pa

    return pa.table(
        {
            **_places(places),
            "position": pa.array([u.position for u in unread], pa.string()),
            "reason": pa.array([u.reason for u in unread], pa.string()),
            "detail": pa.array([u.detail for u in unread], pa.string()),
            "excerpt": pa.array([u.excerpt[:EXCERPT_CHARACTERS] for u in unread], pa.string()),
        }
    )


def messages_array(dialogues: Sequence[Sequence[Message]]) -> pa.ListArray:
    """Return the messages of each dialogue as the list that tables hold."""
    import numpy as np
    import pyarrow as pa

    flat = [m for messages in dialogues for m in messages]
    structs = pa.StructArray.from_arrays(
        [
            pa.array([m.message_id for m in flat], pa.string()),
            pa.array([m.role for m in flat], pa.string()),
            pa.array([m.content for m in flat], pa.string()),
            pa.array([m.created_at for m in flat], pa.timestamp("us", tz="UTC")),
        ],
        names=["message_id", "role", "content", "created_at"],
    )
    ends = np.cumsum([0, *(len(messages) for messages in dialogues)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), structs)


def message_of(row: Mapping[str, Any]) -> Message:
    """Return the message of a struct."""
    return Message(row["role"], row["content"], row["created_at"], row["message_id"])


def chat_of(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a row's messages as `{"role", "content"}`."""
    return [{"role": m["role"], "content": m["content"]} for m in row["messages"]]


def pairs(messages: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return messages as (role, content)."""
    return tuple((m["role"], m["content"]) for m in messages)


def messages_of(said: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return (role, content) as messages of a row: what no source gave has neither id nor time."""
    return [
        {"message_id": "", "role": role, "content": content, "created_at": None}
        for role, content in said
    ]


def _places(places: Sequence[Place]) -> dict[str, pa.Array]:
    import pyarrow as pa

    under = cache(partial(ids_under, "record"))
    return {
        "record_id": pa.array([under(p.file)(str(p.number)) for p in places], pa.string()),
        "file": pa.array([p.file for p in places], pa.string()),
        "file_id": pa.array([p.file_id for p in places], pa.string()),
    }
