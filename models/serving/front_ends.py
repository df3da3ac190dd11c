"""What a front end says of a request: whose words it brings, of which chat, and whether of nobody.

Open WebUI (0.12.4) names person and chat where `ENABLE_FORWARD_USER_INFO_HEADERS` is true, and its
task where a connection's own header says `{{TASK}}` (its `utils/headers.py`).  A *task* is what it
asks by itself: a title, tags, what might be asked next.  Nobody said that, so it is logged as a
task and becomes no dialogue.  Without the header one is known by its form: the first words and the
tag around the chat are those of every template in its `config.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header

from lake.ids import json_id

NAMED = r"^[\x20-\x7e]{0,256}$"
TASK = re.compile(r"\s*### Task:\n.*<(?:chat_history|text)>", re.DOTALL)
UNNAMED = "unnamed"
"""The name of a task that is known by its form alone."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers of a request say; empty where they say nothing."""

    conversation: str = ""
    person: str = ""
    chat: str = ""
    task: str = ""

    def conversation_of(self, user: str, owner: str) -> str:
        """Return the id of the conversation that is named; empty where none is.

        The owner's own names stand as they are; the same name of two people is two conversations.
        """
        if self.conversation and user == owner:
            return self.conversation
        named = self.conversation or self.chat
        return json_id([user, named]) if named else ""

    def task_of(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return which task of the front end's own this is, empty for a person's words."""
        if self.task:
            return self.task
        said = [m for m in messages if m["role"] != "system"]
        is_task = len(said) == 1 and TASK.match(str(said[0].get("content") or ""))
        return UNNAMED if is_task else ""


async def told(
    x_conversation_id: Annotated[str, Header(pattern=r"^[A-Za-z0-9-]{0,64}$")] = "",
    x_openwebui_user_id: Annotated[str, Header(pattern=NAMED)] = "",
    x_openwebui_chat_id: Annotated[str, Header(pattern=NAMED)] = "",
    x_openwebui_task: Annotated[str, Header(pattern=NAMED)] = "",
) -> Told:
    """Return what a front end says in its headers; a route's dependency."""
    return Told(x_conversation_id, x_openwebui_user_id, x_openwebui_chat_id, x_openwebui_task)
