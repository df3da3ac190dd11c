"""`gateway`: the log that Steppe's own server writes, one event a line.

    {"event": "request", "conversation_id", "request_id", "user", "adapter", "at", "messages": [],
     "task"}
    {"event": "answer", "conversation_id", "request_id", "adapter", "at", "content", "finish", ...}
    {"event": "feedback", "conversation_id", "request_id", "kind", ...}

A client sends the whole conversation with every request, so a conversation is its longest
request and the answer to that; the shorter ones stand inside it.  One that does not (the person
went back and said something else) is named in the annotations.  An answer that was cut or failed
is kept as far as the client saw it, and marked there too.  Feedback is a choice between answers,
which `assets.feedback` reads; here it is named in the annotations, and so is what a front end asked
by itself (a request with a `task`: a title, tags): nobody said that, and it is no dialogue.  How
long an answer took and what it cost is for `assets.answered`; both read the lines that `sound`
lets through.

Events are put aside on disk and taken back by conversation: memory is that of one, and of each of
its requests but the longest only what tells whether it stands inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import (
    Keys,
    id_from,
    messages_from,
    moment_from,
    text_from,
    unreadable,
)
from assets.sources.spill import Spill
from lake.errors import SourceFormatError
from lake.ids import content_id
from lake.schemas import Dialogue, Message, Unreadable

NAME = "gateway"
KEYS = Keys("messages", "role", "content")
_EVENTS = ("request", "answer", "feedback")


@dataclass(frozen=True, slots=True)
class _Request:
    request_id: str
    position: str
    messages: tuple[Message, ...]
    user: str
    adapter: str
    at: datetime | None
    task: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    position: str
    content: str
    finish: str
    adapter: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class _Feedback:
    kind: str


@dataclass(frozen=True, slots=True)
class _Trace:
    """What is remembered of a request: `said` has a hash a message."""

    request_id: str
    position: str
    at: datetime | None
    said: tuple[int, ...]


@dataclass(slots=True)
class _Conversation:
    """What the log says of one conversation: its longest request, traces of all, and answers."""

    longest: _Request | None = None
    traces: list[_Trace] = field(default_factory=list)
    answers: dict[str, _Answer] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)
    tasks: dict[str, str] = field(default_factory=dict)

    def add(self, event: _Request | _Answer | _Feedback, request_id: str) -> None:
        if isinstance(event, _Feedback):
            self.feedback.append(f"feedback {event.kind}")
            return
        if isinstance(event, _Answer):
            self.answers[request_id] = event
            return
        if event.task:
            self.tasks[request_id] = f"task {event.task}"
            return
        self.traces.append(_Trace(request_id, event.position, event.at, _hashes(event.messages)))
        if self.longest is None or len(event.messages) >= len(self.longest.messages):
            self.longest = event


def _hashes(messages: tuple[Message, ...]) -> tuple[int, ...]:
    return tuple(hash((m.role, m.content)) for m in messages)


def recognises(head: Head) -> bool:
    """The first line is an object with one of our two events and a request id."""
    first = head.text.lstrip().partition("\n")[0]
    is_event = any(f'"event":"{event}"' in first.replace(" ", "") for event in _EVENTS)
    return first.startswith("{") and is_event and '"request_id"' in first


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a conversation, in the order of their first events.

    Unreadable lines come first.
    """
    with Spill() as pile:
        for position, record in sound(path):
            if isinstance(record, Unreadable):
                yield record
            else:
                pile.put(id_from(record, "conversation_id"), position, record)
        while (key := pile.first_key()) is not None:
            yield from _conversation(key, pile)


def sound(path: Path) -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
    """Yield `(position, event)` line by line, in place of what is no event the reason why."""
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield position, record
            continue
        try:
            _event(record, position)
        except SourceFormatError as error:
            yield position, unreadable(error, record, position)
        else:
            yield position, record


def dialogue_id(conversation_id: str) -> str:
    """Return the id that a conversation of the gateway has as a dialogue."""
    return content_id("conversation", NAME, conversation_id)


def _conversation(conversation_id: str, pile: Spill) -> Iterator[Item]:
    conversation = _Conversation()
    for position, record in pile.take(conversation_id):
        conversation.add(_event(record, position), id_from(record, "request_id"))
    yield from _orphans(conversation)
    if conversation.longest is not None:
        yield _dialogue(conversation_id, conversation, conversation.longest)


def _event(record: Mapping[str, Any], position: str) -> _Request | _Answer | _Feedback:
    request_id = id_from(record, "request_id")
    if not (id_from(record, "conversation_id") and request_id):
        raise SourceFormatError("no_id", "An event names its conversation and its request.")
    event = record.get("event")
    if event == "request":
        return _request(record, request_id, position)
    if event == "answer":
        return _answer(record, position)
    if event == "feedback":
        return _Feedback(text_from(record, "kind"))
    raise SourceFormatError("unknown_event", "An event is a request, an answer or feedback.")


def _request(record: Mapping[str, Any], request_id: str, position: str) -> _Request:
    return _Request(
        request_id,
        position,
        messages_from(record.get("messages"), KEYS),
        text_from(record, "user"),
        text_from(record, "adapter"),
        moment_from(record.get("at")),
        text_from(record, "task"),
    )


def _answer(record: Mapping[str, Any], position: str) -> _Answer:
    content = record.get("content")
    if not isinstance(content, str):
        raise SourceFormatError("bad_content", "An answer has a text, be it empty.")
    return _Answer(
        position,
        content,
        text_from(record, "finish"),
        text_from(record, "adapter"),
        moment_from(record.get("at")),
    )


def _orphans(conversation: _Conversation) -> Iterator[Unreadable]:
    asked = {trace.request_id for trace in conversation.traces} | conversation.tasks.keys()
    for request_id, answer in conversation.answers.items():
        if request_id not in asked:
            detail = "No request of this file has the answer's id."
            yield Unreadable("orphan_answer", answer.position, answer.content[:200], detail)


def _dialogue(conversation_id: str, conversation: _Conversation, last: _Request) -> Dialogue:
    answer = conversation.answers.get(last.request_id)
    inside, branches = _sorted(conversation, last)
    said, notes = _timed(last, inside), branches
    if answer and answer.content:
        said = (*said, Message("assistant", answer.content, answer.at, last.request_id))
    if answer and answer.finish != "stop":
        notes.append(f"answer {answer.finish or 'without a finish'}")
    notes += [*conversation.feedback, *conversation.tasks.values()]
    if adapter := (answer.adapter if answer else "") or last.adapter:
        notes.append(f"adapter {adapter}")
    return Dialogue(
        said,
        source=NAME,
        conversation_id=conversation_id,
        position=last.position if answer is None else f"{last.position}, {answer.position}",
        user=last.user,
        annotations=tuple(notes),
    )


def _sorted(conversation: _Conversation, last: _Request) -> tuple[list[_Trace], list[str]]:
    """Return the requests that stand inside the longest one, and a note for each other."""
    whole = _hashes(last.messages)
    inside, branches = [], []
    for trace in conversation.traces:
        if trace.said == whole[: len(trace.said)]:
            inside.append(trace)
        else:
            branches.append(f"{trace.position} is another branch of this conversation")
    return inside, branches


def _timed(last: _Request, inside: list[_Trace]) -> tuple[Message, ...]:
    """Return the last request's messages, each user message with the time it first came at."""
    came = {len(trace.said): trace.at for trace in reversed(inside)}
    return tuple(
        Message(m.role, m.content, m.created_at or came.get(n), m.message_id)
        for n, m in enumerate(last.messages, 1)
    )


SOURCE = Source(NAME, recognises, read)
