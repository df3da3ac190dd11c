"""Which conversation a request goes on with, since OpenAI's API carries no id."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lake.ids import json_id
from models.serving.newest import Newest

REMEMBERED = 10_000
Messages = Sequence[Mapping[str, Any]]


@dataclass
class Conversations:
    """Recognises a conversation by what was said in it so far."""

    known: Newest[str, str] = field(default_factory=lambda: Newest(REMEMBERED))

    def id_of(self, user: str, messages: Messages) -> str:
        """Return the id of the conversation whose newest turn this is, new or known.

        A turn continues a conversation once it is answered: who goes on from the same words
        otherwise has a conversation of its own, and who asks again after an error has not.
        """
        return self.known.get(_key(user, messages[:-1])) or uuid.uuid4().hex

    def remember(self, conversation_id: str, user: str, messages: Messages) -> None:
        """Note how far a conversation has come; `messages` end with the answer."""
        self.known.pop(_key(user, messages[:-2]), None)
        self.known.put(_key(user, messages), conversation_id)

    def hear(self, asked: Mapping[str, Any], answered: Mapping[str, Any] | None) -> None:
        """Note how far a conversation of the log had come."""
        if answered is not None and answered.get("finish") != "failed":
            said = [*asked["messages"], {"role": "assistant", "content": answered["content"]}]
            self.remember(asked["conversation_id"], asked.get("user", ""), said)


def _key(user: str, messages: Messages) -> str:
    said = [[m["role"], m.get("content") or ""] for m in messages if m["role"] != "system"]
    return json_id([user, said]) if said else ""
