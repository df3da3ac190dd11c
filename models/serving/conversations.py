"""Which conversation a request goes on with, since OpenAI's API carries no id."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lake.ids import json_id

REMEMBERED = 10_000
Messages = Sequence[Mapping[str, Any]]


@dataclass
class Conversations:
    """Recognises a conversation by what was said in it so far."""

    known: OrderedDict[str, str] = field(default_factory=OrderedDict)

    def id_of(self, user: str, messages: Messages) -> str:
        """Return the id of the conversation whose newest turn this is, new or known.

        A turn continues a conversation once: who goes on from the same words otherwise has a
        conversation of its own.
        """
        return self.known.pop(_key(user, messages[:-1]), "") or uuid.uuid4().hex

    def remember(self, conversation_id: str, user: str, messages: Messages) -> None:
        """Note how far a conversation has come."""
        self.known[_key(user, messages)] = conversation_id
        while len(self.known) > REMEMBERED:
            self.known.popitem(last=False)

    def replay(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Note how far the conversations of a log had come: what a restart would forget."""
        asked: dict[str, Mapping[str, Any]] = {}
        for event in events:
            if event.get("event") == "request":
                asked[event["request_id"]] = event
                self.known.pop(_key(event.get("user", ""), event["messages"][:-1]), None)
            elif event.get("event") == "answer" and event["request_id"] in asked:
                before = asked.pop(event["request_id"])
                said = [*before["messages"], {"role": "assistant", "content": event["content"]}]
                self.remember(before["conversation_id"], before.get("user", ""), said)


def _key(user: str, messages: Messages) -> str:
    said = [[m["role"], m.get("content") or ""] for m in messages if m["role"] != "system"]
    return json_id([user, said]) if said else ""
