"""What people say of answers: a thumb, an edit, one of two.

It is a line of the conversation log; the loop makes it a choice between answers
(`assets.feedback`), which DPO and KTO learn from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from lake.ids import content_id
from models.serving.newest import Newest
from models.serving.problems import Problem

REMEMBERED = 10_000
REMEMBERED_CHARACTERS = 20_000_000
"""Of all those answers and what was said before them, some 40 MiB: a client sends its conversation
whole, so ten thousand answers of long ones would be gigabytes."""
OBJECT_CHARACTERS = 100
"""What an object or a list takes beside its texts: a message is a dict of some 200 bytes, and a
character of Russian two."""
ANSWER_ID = r"^chatcmpl-[0-9a-f]{32}$"


class FeedbackRequest(BaseModel):
    """What a person says of an answer of theirs.

    `thumb`: up or down.  `edit`: the answer as it should have been.  `regeneration`: this answer
    is better than `rejected_answer_id`, to the same words; `text` is how it was edited before.
    """

    answer_id: str = Field(pattern=ANSWER_ID)
    kind: Literal["thumb", "edit", "regeneration"]
    thumb: Literal["up", "down"] | None = None
    text: str | None = Field(None, min_length=1, max_length=20_000)
    rejected_answer_id: str | None = Field(None, pattern=ANSWER_ID)

    @model_validator(mode="after")
    def _is_whole(self) -> FeedbackRequest:
        needed = {"thumb": "thumb", "edit": "text", "regeneration": "rejected_answer_id"}[self.kind]
        if getattr(self, needed) is None:
            raise ValueError(f"`{self.kind}` needs `{needed}`")
        return self


@dataclass(frozen=True)
class Given:
    """An answer that was given: to whom, in which conversation, to which messages."""

    user: str
    conversation_id: str
    adapter: str
    messages: Sequence[Mapping[str, Any]]
    text: str

    @cached_property
    def characters(self) -> int:
        """Return how much it holds, tool calls and all."""
        return len(self.text) + sum(_held(message) for message in self.messages)


def _held(value: Any) -> int:
    """Return how much a value of JSON holds: characters, and `OBJECT_CHARACTERS` for the rest."""
    found, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found += len(one)
            continue
        found += OBJECT_CHARACTERS
        if isinstance(one, Mapping):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
    return found


@dataclass
class Answers:
    """The answers given lately, by id: so many, and so much of them."""

    known: Newest[str, Given] = field(default_factory=lambda: Newest(REMEMBERED))
    characters: int = 0

    def remember(self, answer_id: str, given: Given) -> None:
        """Note an answer, and forget the oldest ones beyond the bounds."""
        replaced = self.known.pop(answer_id, None)
        forgotten = [*self.known.put(answer_id, given), *([replaced] if replaced else [])]
        self.characters += given.characters - sum(old.characters for old in forgotten)
        while self.characters > REMEMBERED_CHARACTERS:
            _, oldest = self.known.popitem(last=False)
            self.characters -= oldest.characters

    def hear(self, asked: Mapping[str, Any], answered: Mapping[str, Any] | None) -> None:
        """Note an answer of the log."""
        if answered is not None:
            whose = (asked.get("user", ""), asked["conversation_id"], asked["adapter"])
            given = Given(*whose, asked["messages"], answered["content"])
            self.remember(answered["request_id"], given)

    def of(self, answer_id: str, user: str) -> Given:
        """Return an answer that was given to a person, or answer 404."""
        given = self.known.get(answer_id)
        if given is None or given.user != user:
            raise Problem(
                404,
                f"There is no answer `{answer_id}` of yours.",
                hint="its id is the `id` of the answer, for two days",
            )
        return given


def event_of(said: FeedbackRequest, user: str, answers: Answers, now: datetime) -> dict[str, Any]:
    """Return the log's line of a feedback: what was asked, which answer is better, which worse.

    A thumb judges one answer: the other one is empty.  Its id is of this answer and this moment:
    who says up, down and up again said three things, of which the last counts.
    """
    given = answers.of(said.answer_id, user)
    chosen, rejected = given.text, ""
    if said.kind == "thumb" and said.thumb == "down":
        chosen, rejected = "", given.text
    elif said.kind == "edit":
        chosen, rejected = said.text or "", given.text
    elif said.kind == "regeneration":
        other = answers.of(said.rejected_answer_id or "", user)
        if list(other.messages) != list(given.messages):
            raise Problem(
                422, "The two answers are to different words.", hint="regenerate, then choose"
            )
        chosen, rejected = said.text or given.text, other.text
    if chosen == rejected:
        raise Problem(422, "The two answers are the same.", hint="an edit changes something")
    prompt = [{"role": m["role"], "content": m.get("content") or ""} for m in given.messages]
    words = [part for m in prompt for part in (m["role"], m["content"])]
    return {
        "feedback_id": content_id(
            *("feedback", said.kind, user, said.answer_id, _rejected_id(said), now.isoformat()),
            *(*words, chosen, rejected),
        ),
        "conversation_id": given.conversation_id,
        "request_id": said.answer_id,
        "user": user,
        "adapter": given.adapter,
        "kind": said.kind,
        "messages": prompt,
        "chosen": chosen,
        "rejected": rejected,
        "rejected_request_id": _rejected_id(said),
    }


def _rejected_id(said: FeedbackRequest) -> str:
    """Return the id of the answer that lost to another one; empty where it has none."""
    return (said.kind == "regeneration" and said.rejected_answer_id) or ""
