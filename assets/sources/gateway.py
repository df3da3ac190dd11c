"""`gateway`: the log that Steppe's own server writes, one event a line.

    {"event": "request", "conversation_id", "request_id", "user", "adapter", "at", "messages": []}
    {"event": "answer", "conversation_id", "request_id", "adapter", "at", "content", "finish"}

A client sends the whole conversation with every request, so a conversation is its longest
request and the answer to that; the shorter ones stand inside it.  One that does not (the person
went back and said something else) is named in the annotations.  An answer that was cut or failed
is kept as far as the client saw it, and marked there too.
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
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

NAME = "gateway"
KEYS = Keys("messages", "role", "content")
_EVENTS = ("request", "answer")


@dataclass(slots=True)
class _Conversation:
    """What the log says of one conversation: its requests in order, and their answers."""

    requests: list[_Request] = field(default_factory=list)
    answers: dict[str, _Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Request:
    request_id: str
    position: str
    messages: tuple[Message, ...]
    user: str
    adapter: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class _Answer:
    position: str
    content: str
    finish: str
    adapter: str
    at: datetime | None


def recognises(head: Head) -> bool:
    """The first line is an object with one of our two events and a request id."""
    first = head.text.lstrip().partition("\n")[0]
    is_event = any(f'"event":"{event}"' in first.replace(" ", "") for event in _EVENTS)
    return first.startswith("{") and is_event and '"request_id"' in first


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a conversation, in the order of their first requests.

    Unreadable lines come first.  Memory is that of the conversations in one file: a day's log.
    """
    conversations: dict[str, _Conversation] = {}
    for position, record in json_records(path):
        problem = (
            record if isinstance(record, Unreadable) else _note(conversations, record, position)
        )
        if problem is not None:
            yield problem
    for conversation_id, conversation in conversations.items():
        yield from _orphans(conversation)
        if conversation.requests:
            yield _dialogue(conversation_id, conversation)


def _note(
    conversations: dict[str, _Conversation], record: Mapping[str, Any], position: str
) -> Unreadable | None:
    """Enter one event; return why it cannot be."""
    try:
        key, request_id = id_from(record, "conversation_id"), id_from(record, "request_id")
        if not (key and request_id):
            raise SourceFormatError("no_id", "An event names its conversation and its request.")
        event = record.get("event")
        if event == "request":
            request = _request(record, request_id, position)
            conversations.setdefault(key, _Conversation()).requests.append(request)
        elif event == "answer":
            answer = _answer(record, position)
            conversations.setdefault(key, _Conversation()).answers[request_id] = answer
        else:
            raise SourceFormatError("unknown_event", "An event is a request or an answer.")
    except SourceFormatError as error:
        return unreadable(error, record, position)
    return None


def _request(record: Mapping[str, Any], request_id: str, position: str) -> _Request:
    return _Request(
        request_id,
        position,
        messages_from(record.get("messages"), KEYS),
        text_from(record, "user"),
        text_from(record, "adapter"),
        moment_from(record.get("at")),
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
    asked = {request.request_id for request in conversation.requests}
    for request_id, answer in conversation.answers.items():
        if request_id not in asked:
            detail = "No request of this file has the answer's id."
            yield Unreadable("orphan_answer", answer.position, answer.content[:200], detail)


def _dialogue(conversation_id: str, conversation: _Conversation) -> Dialogue:
    requests = conversation.requests
    last = max(reversed(requests), key=lambda request: len(request.messages))
    answer = conversation.answers.get(last.request_id)
    said, notes = _timed(last, requests), _branches(last, requests)
    if answer and answer.content:
        said = (*said, Message("assistant", answer.content, answer.at, last.request_id))
    if answer and answer.finish != "stop":
        notes.append(f"answer {answer.finish or 'without a finish'}")
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


def _timed(last: _Request, requests: list[_Request]) -> tuple[Message, ...]:
    """Return the last request's messages, each user message with the time it first came at."""
    came = {len(r.messages): r.at for r in reversed(requests) if _is_inside(r, last)}
    return tuple(
        Message(m.role, m.content, m.created_at or came.get(n), m.message_id)
        for n, m in enumerate(last.messages, 1)
    )


def _is_inside(request: _Request, last: _Request) -> bool:
    said = [m.as_chat() for m in request.messages]
    return said == [m.as_chat() for m in last.messages[: len(said)]]


def _branches(last: _Request, requests: list[_Request]) -> list[str]:
    return [
        f"{request.position} is another branch of this conversation"
        for request in requests
        if not _is_inside(request, last)
    ]


SOURCE = Source(NAME, recognises, read)
