"""One answer on its way through the gateway: remembered, asked, streamed, logged.

Whatever ends it (the model, a limit, a client that leaves, an upstream that dies, a kill), what
the client saw is in the log: a piece is with the kernel before it is sent, and the whole answer is
on disk before the stream ends.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.serving import events
from models.serving.access import Person
from models.serving.answer_cache import AnswerCache, Kept
from models.serving.conversation_log import ConversationLog, Stream
from models.serving.conversations import Conversations
from models.serving.feedback import Answers, Given
from models.serving.metrics import Metrics
from models.serving.own_tools import WithTools
from models.serving.problems import RETRY_AFTER_SECONDS, Problem, body_of
from models.serving.requests import ChatRequest
from models.serving.served import Served
from models.serving.upstream import Upstream, UpstreamDown, UpstreamRefused

FAILURES = (UpstreamDown, UpstreamRefused, Problem)
"""What ends an answer that is on its way."""
NOT_THE_UPSTREAMS = {"messages", "user", "memory", "own_tools"}
"""Fields of a request that are for the gateway."""
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
    closed: bool = False
    _events: AsyncIterator[list[dict[str, Any]]] = field(init=False, repr=False)
    _first: list[dict[str, Any]] = field(init=False, repr=False)

    async def whole(self) -> dict[str, Any]:
        """Return the answer as one JSON body, once it is in the log."""
        asked = self._logged_request()
        try:
            told = await self._upstream.whole(self._asked(stream=False))
            await asyncio.wrap_future(asked)
            choice = told["choices"][0]
            self.text = choice["message"].get("content") or ""
            self.calls = choice["message"].get("tool_calls") or []
            self.finish, self.usage = choice["finish_reason"], told.get("usage") or {}
        except FAILURES as error:
            await asyncio.wrap_future(asked)
            await self._close("failed")
            raise as_problem(error) from error
        except asyncio.CancelledError:
            await asyncio.shield(self._close("cut"))
            raise
        await self._close(self.finish)
        return {**told, **self._head("chat.completion"), "steppe": self.about()}

    def kept(self) -> Kept | None:
        """Return the answer that was given before to the same question, if there is one."""
        if not self.scope or self.shared.cache is None:
            return None
        return self.shared.cache.find(self.scope, self.said)

    async def again(self, kept: Kept) -> dict[str, Any]:
        """Return an answer that was given before, logged as this one."""
        await asyncio.wrap_future(self._logged_request())
        self.text, self.finish, self.scope, self.cached = kept.text, kept.finish, "", True
        await self._close(kept.finish)
        message = {"role": "assistant", "content": kept.text}
        return {
            **self._head("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": kept.finish}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            "steppe": self.about(),
        }

    async def again_as_events(self, kept: Kept) -> AsyncIterator[str]:
        """Yield an answer that was given before as server-sent events."""
        told = await self.again(kept)
        head = {**self._head("chat.completion.chunk"), "steppe": told["steppe"]}
        said = told["choices"][0]["message"]
        ends: tuple[tuple[dict[str, Any], str | None], ...] = ((said, None), ({}, kept.finish))
        for delta, finish in ends:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            event = {**head, "choices": [choice]}
            yield events.line(event)
        yield events.DONE

    async def begin(self) -> None:
        """Log the request and wait for the stream's first events.

        An upstream that is down is an error with a status, not a stream that breaks.
        """
        asked = self._logged_request()
        self._events = self._upstream.stream(self._asked(stream=True))
        try:
            self._first = await anext(self._events)
        except FAILURES as error:
            await asyncio.wrap_future(asked)
            await self._close("failed")
            raise as_problem(error) from error
        await asyncio.wrap_future(asked)

    async def events(self) -> AsyncIterator[str]:
        """Yield the answer as server-sent events, `[DONE]` last; after `begin`."""
        stream = self.shared.log.stream(self.answer_id)
        finish = "cut"
        try:
            stream.begin(self._whose())
            async for together in self._all():
                told = "".join([self._heard(event, stream) for event in together])
                if self.finish and (self.own or not together[-1].get("choices")):
                    finish = self.finish  # it ends here, or has ended: the usage is told last
                    await self._close(finish)
                if told:
                    yield told
            finish = self.finish or finish
            await self._close(finish)
            yield events.DONE
        except FAILURES as error:
            finish = "failed"
            problem = as_problem(error)
            broken = body_of(problem.status_code, problem.detail, problem.hint)
            yield events.line(broken)
        finally:
            await asyncio.shield(self._close(finish))
            stream.end()

    def about(self) -> dict[str, Any]:
        """Return what Steppe adds to OpenAI's answer: whose words these are, and from where."""
        return {
            "conversation_id": self.conversation_id,
            "adapter": self.name,
            "memories": [dict(memory) for memory in self.memories],
            "cached": self.cached,
            **(self.own.about() if self.own else {}),
        }

    @property
    def _upstream(self) -> Upstream | WithTools:
        """Return what is asked for the answer."""
        return self.own or self.shared.upstream

    async def _all(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the stream's events with the first ones, which `begin` has waited for."""
        yield self._first
        async for together in self._events:
            yield together

    def _heard(self, event: dict[str, Any], stream: Stream) -> str:
        """Take what an event brings, let the kernel have it, and return what the client is told."""
        if call := (event.get("steppe") or {}).get("call"):
            stream.add_call(call)
        if piece := _text_of(event):
            self.text += piece
            stream.add(piece)
            if self.first_seconds is None:
                self.first_seconds = time.monotonic() - self.started
        return self._told(event)

    def _asked(self, *, stream: bool) -> dict[str, Any]:
        """Return the request as the upstream gets it: other name, other messages, the rest kept."""
        told = self.body.model_dump(exclude_none=True, exclude=NOT_THE_UPSTREAMS)
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
        """Log the answer as far as the client saw it; once."""
        if self.closed:
            return
        self.closed = True
        if self.own:
            self.usage = dict(self.own.usage)
        seconds = time.monotonic() - self.started
        fields = {
            **self._whose(),
            "content": self.text,
            "finish": finish,
            "tokens": self.usage,
            "seconds": round(seconds, 4),
            "first_seconds": round(self.first_seconds or seconds, 4),
            "cached": self.cached,
        }
        if self.calls:
            fields["tool_calls"] = self.calls
        if self.own:
            fields |= self.own.about()
        await self.shared.log.write("answer", **fields)
        if not self.task:
            self._remember()
        if self.scope and self.shared.cache is not None:
            self.shared.cache.keep(self.scope, self.said, self.text, finish)
        self.shared.metrics.answered(self.name, finish, seconds, self.first_seconds, self.usage)
        self.shared.served.busy[self.name] -= 1

    def _remember(self) -> None:
        """Note the answer for those who go on from it or judge it."""
        answered = [*self.said, {"role": "assistant", "content": self.text}]
        whose = (self.person.name, self.conversation_id, self.name)
        self.shared.given.remember(self.answer_id, Given(*whose, self.said, self.text))
        self.shared.conversations.remember(self.conversation_id, self.person.name, answered)


def as_problem(error: UpstreamDown | UpstreamRefused | Problem) -> Problem:
    """Return what a client is told of an upstream that is down or refuses."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, UpstreamRefused) and error.status < 500:
        return Problem(error.status, error.message, hint=error.hint)
    return Problem(
        503, error.message, hint=error.hint, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
    )


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
