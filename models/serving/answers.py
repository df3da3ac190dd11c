"""One answer on its way through the gateway: remembered, asked, streamed, logged.

Whatever ends it (the model, a limit, a client that leaves, an upstream that dies, a kill), what
the client saw is in the log: a piece is with the kernel before it is sent, and the whole answer is
on disk before the stream ends.  Its account is closed once, by a task that nobody cancels: the
line is written, then its pieces are dropped, and the adapter has one answer fewer on its way.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse, StreamingResponse

from models.serving import events
from models.serving.access import Person
from models.serving.answer_cache import AnswerCache, Kept
from models.serving.bounds import Places
from models.serving.conversation_log import ConversationLog, Stream
from models.serving.conversations import Conversations
from models.serving.feedback import Answers, Given
from models.serving.metrics import Metrics
from models.serving.own_tools import WithTools
from models.serving.problems import RETRY_AFTER_SECONDS, Problem, body_of
from models.serving.requests import PASSED_ON, ChatRequest
from models.serving.served import Served
from models.serving.upstream import Upstream, UpstreamDown, UpstreamRefused

logger = logging.getLogger(__name__)

WHOLE = ("stop", "length")
"""How an answer ends that may be given again."""
Messages = list[dict[str, Any]]


@dataclass
class Shared:
    """What every answer of one gateway uses."""

    upstream: Upstream
    log: ConversationLog
    served: Served
    conversations: Conversations = field(default_factory=Conversations)
    metrics: Metrics = field(default_factory=Metrics)
    given: Answers = field(default_factory=Answers)
    cache: AnswerCache | None = None
    places: Places = field(default_factory=Places)


@dataclass
class Answer:
    """An answer to a person's request; `shown` are the messages that the model really got."""

    shared: Shared
    body: ChatRequest
    person: Person
    name: str
    conversation_id: str
    said: Messages
    shown: Messages
    memories: Sequence[Mapping[str, Any]] = ()
    scope: str = ""  # what a kept answer to this question belongs to; empty: none may be kept
    task: str = ""  # what a front end asks by itself; empty for a person's words
    own: WithTools | None = None  # what asks the upstream where the assistant uses its own tools
    answer_id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    started: float = field(default_factory=time.monotonic)
    created: int = field(default_factory=lambda: int(time.time()))
    text: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    first_seconds: float | None = None
    cached: bool = False
    _request: Future[None] | None = field(default=None, repr=False)
    _closing: asyncio.Task[None] | None = field(default=None, repr=False)
    _pieces: Stream = field(init=False, repr=False)
    _events: AsyncIterator[list[dict[str, Any]]] = field(init=False, repr=False)
    _first: list[dict[str, Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._pieces = self.shared.log.stream(self.answer_id)  # no file before it begins

    async def response(self) -> Response:
        """Return the answer as HTTP has it: whole, in pieces, or one that was given before.

        An upstream that is down is an error with a status, not a stream that breaks.
        """
        async with self._accounted():
            if kept := self._kept():
                told = await self._again(kept)
                if self.body.stream:
                    return StreamingResponse(_pieces_of(told), media_type=events.MEDIA_TYPE)
                return JSONResponse(told)
            self._request = self._logged_request()
            if not self.body.stream:
                return JSONResponse(await self._whole())
            await self._begin()
        return Streamed(self)

    async def leave(self) -> None:
        """Close the account of an answer that its client did not wait for."""
        with suppress(OSError):  # told to the client already, or logged where it happened
            await self._close("cut")

    async def events(self) -> AsyncIterator[str]:
        """Yield the answer as server-sent events, `[DONE]` last, or an error in its place."""
        try:
            self._pieces.begin(self._whose())
            async for together in self._all():
                told = "".join([self._heard(event) for event in together])
                if self.finish and (self.own or not together[-1].get("choices")):
                    await self._close(self.finish)  # it ends here: the usage is told last
                if told:
                    yield told
            await self._close(self.finish or "cut")
            yield events.DONE
        except Exception as error:  # noqa: BLE001  the client is told, and the server's log
            problem = await self._failed(error)
            yield events.line(body_of(problem.status_code, problem.detail, problem.hint))

    def about(self) -> dict[str, Any]:
        """Return what Steppe adds to OpenAI's answer: whose words these are, and from where."""
        return {
            "conversation_id": self.conversation_id,
            "adapter": self.name,
            "memories": [dict(memory) for memory in self.memories],
            "cached": self.cached,
            **(self.own.about() if self.own else {}),
        }

    def _kept(self) -> Kept | None:
        """Return the answer that was given before to the same question, if there is one."""
        if not self.scope or self.shared.cache is None:
            return None
        return self.shared.cache.find(self.scope, self.said)

    async def _again(self, kept: Kept) -> dict[str, Any]:
        """Return an answer that was given before, logged as this one."""
        self._request = self._logged_request()
        self.text, self.finish, self.scope, self.cached = kept.text, kept.finish, "", True
        await self._close(kept.finish)
        message = {"role": "assistant", "content": kept.text}
        return {
            **self._head("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": kept.finish}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            "steppe": self.about(),
        }

    async def _whole(self) -> dict[str, Any]:
        """Return the answer as one JSON body, once it is in the log."""
        told = await self._upstream.whole(self._asked(stream=False))
        try:
            choice = told["choices"][0]
            self.text = choice["message"].get("content") or ""
            self.calls = choice["message"].get("tool_calls") or []
            self.finish, self.usage = choice["finish_reason"] or "", told.get("usage") or {}
        except (LookupError, TypeError, AttributeError):
            raise UpstreamRefused(502, "The model's server gave no answer to read.") from None
        await self._close(self.finish)
        return {**told, **self._head("chat.completion"), "steppe": self.about()}

    async def _begin(self) -> None:
        """Wait for the stream's first events, and for the request to be on disk."""
        self._events = self._upstream.stream(self._asked(stream=True))
        first = await anext(self._events, None)
        if first is None:
            raise UpstreamRefused(502, "The model's server ended its answer before it began.")
        self._first = first
        if self._request is not None:
            await asyncio.wrap_future(self._request)

    @asynccontextmanager
    async def _accounted(self) -> AsyncIterator[None]:
        """Close the account of an answer that does not come: its client left, or it failed."""
        try:
            yield
        except asyncio.CancelledError:
            await self._close("cut")
            raise
        except Exception as error:
            raise await self._failed(error) from error

    async def _failed(self, error: Exception) -> Problem:
        """Close the account as failed; return what the client is told."""
        try:
            await self._close("failed")
        except OSError as unwritten:  # the log cannot be written: that is what went wrong
            error = unwritten
        return as_problem(error)

    @property
    def _upstream(self) -> Upstream | WithTools:
        """Return what is asked for the answer."""
        return self.own or self.shared.upstream

    async def _all(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the stream's events with the first ones, which `begin` has waited for."""
        yield self._first
        async for together in self._events:
            yield together

    def _heard(self, event: dict[str, Any]) -> str:
        """Take what an event brings, let the kernel have it, and return what the client is told."""
        if call := (event.get("steppe") or {}).get("call"):
            self._pieces.add_call(call)
        if piece := _text_of(event):
            self.text += piece
            self._pieces.add(piece)
            if self.first_seconds is None:
                self.first_seconds = time.monotonic() - self.started
        return self._told(event)

    def _asked(self, *, stream: bool) -> dict[str, Any]:
        """Return the request as the upstream gets it: other name, other messages, the rest kept."""
        told = self.body.model_dump(exclude_none=True, include=set(PASSED_ON))
        told |= {"model": self.name, "messages": self.shown, "stream": stream}
        if stream:
            told["stream_options"] = {"include_usage": True}
        else:
            told.pop("stream_options", None)
        return told

    def _told(self, event: dict[str, Any]) -> str:
        """Return an event with our names on it; empty for one that the client did not ask for."""
        self.usage = event.get("usage") or self.usage
        told = {**event, **self._head("chat.completion.chunk")}
        if choices := event.get("choices"):
            self.calls += choices[0]["delta"].get("tool_calls") or []
            self.finish = choices[0].get("finish_reason") or self.finish
        elif not self.body.wants_usage:
            return ""
        if event is self._first[0] or (self.own and self.finish and event.get("choices")):
            told["steppe"] = self.about()
        return events.line(told)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.answer_id,
            "object": kind,
            "created": self.created,
            "model": self.name,
            "system_fingerprint": self.name,
        }

    def _whose(self) -> dict[str, Any]:
        return {
            "conversation_id": self.conversation_id,
            "request_id": self.answer_id,
            "user": self.person.name,
            "adapter": self.name,
        }

    def _logged_request(self) -> Any:
        listed = [str(memory.get("memory_id", "")) for memory in self.memories]
        told = {"task": self.task} if self.task else {}
        return self.shared.log.put(
            "request", **self._whose(), **told, messages=_as_logged(self.said), memories=listed
        )

    async def _close(self, finish: str) -> None:
        """Log the answer as far as the client saw it, once; `OSError` if that cannot be."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._account(finish))
        await asyncio.shield(self._closing)

    async def _account(self, finish: str) -> None:
        try:
            if self._request is None:
                return  # it was not asked for: there is nothing to answer
            await asyncio.wrap_future(self._request)
            await self.shared.log.write("answer", **self._line(finish))
            self._pieces.end()
            if not self.task:
                self._remember(finish)
            if self.scope and self.shared.cache is not None and finish in WHOLE:
                self.shared.cache.keep(self.scope, self.said, self.text, finish)
            seconds = time.monotonic() - self.started
            self.shared.metrics.answered(self.name, finish, seconds, self.first_seconds, self.usage)
        finally:
            self.shared.served.busy[self.name] -= 1
            self.shared.places.leave(self.person.name)

    def _line(self, finish: str) -> dict[str, Any]:
        """Return the log's line of the answer."""
        if self.own:
            self.usage = dict(self.own.usage)
        seconds = time.monotonic() - self.started
        return {
            **self._whose(),
            "content": self.text,
            "finish": finish,
            "tokens": self.usage,
            "seconds": round(seconds, 4),
            "first_seconds": round(self.first_seconds or seconds, 4),
            "cached": self.cached,
            **({"tool_calls": self.calls} if self.calls else {}),
            **(self.own.about() if self.own else {}),
        }

    def _remember(self, finish: str) -> None:
        """Note the answer for those who judge it, and, unless it failed, go on from it."""
        answered = [*self.said, {"role": "assistant", "content": self.text}]
        whose = (self.person.name, self.conversation_id, self.name)
        self.shared.given.remember(self.answer_id, Given(*whose, self.said, self.text))
        if finish != "failed":
            self.shared.conversations.remember(self.conversation_id, self.person.name, answered)


class Streamed(StreamingResponse):
    """An answer in pieces; however it ends, its account is closed."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.events(), media_type=events.MEDIA_TYPE)
        self.answer = answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the pieces; a client that leaves may do so before the first one."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.answer.leave()


def as_problem(error: Exception) -> Problem:
    """Return what a client is told of what went wrong with an answer."""
    if isinstance(error, Problem):
        return error
    later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if isinstance(error, UpstreamDown | UpstreamRefused):
        if isinstance(error, UpstreamRefused) and error.status < 500:
            return Problem(error.status, error.message, hint=error.hint)
        return Problem(503, error.message, hint=error.hint, headers=later)
    if isinstance(error, OSError):
        words = f"What is said cannot be logged: {error.strerror or error}."
        return Problem(503, words, hint="make room where `inbox` lies", headers=later)
    logger.error("an answer broke", exc_info=error)
    return Problem(500, "The answer broke.", hint="the server's log says where; ask again")


async def _pieces_of(told: Mapping[str, Any]) -> AsyncIterator[str]:
    """Yield an answer that was given before as server-sent events."""
    (choice,) = told["choices"]
    head = {k: v for k, v in told.items() if k not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    ends: tuple[tuple[dict[str, Any], str | None], ...]
    ends = ((choice["message"], None), ({}, choice["finish_reason"]))
    for delta, finish in ends:
        yield events.line(
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        )
    yield events.DONE


def _text_of(event: Mapping[str, Any]) -> str:
    choices = event.get("choices")
    return (choices[0]["delta"].get("content") or "") if choices else ""


def _as_logged(messages: Messages) -> Messages:
    """Return messages as the log keeps them: roles and words; calls are told in words."""
    return [
        {"role": m["role"], "content": m.get("content") or json.dumps(m.get("tool_calls") or "")}
        if m.get("tool_calls")
        else {"role": m["role"], "content": m.get("content") or ""}
        for m in messages
    ]
