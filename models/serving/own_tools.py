"""The assistant's own tools in a chat: ReAct over the upstream, in the upstream's words.

A client that says `own_tools` sends no tools and sees no tool calls: between its question and the
answer the gateway asks the model, makes the calls it wants, and asks again.  `WithTools` stands
where the upstream else stands: it yields the events of one streamed answer, and among them one a
call, `{"steppe": {"call": {...}}}` with an empty delta, which OpenAI's clients pass over.

Words are sent on as they come only where they are certain to be the answer: at the model's last
turn, when no tool is at hand.  Before, what comes may turn out to be a thought beside a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from models.serving.access import Person
from models.serving.problems import Problem
from models.serving.upstream import Upstream
from models.tools import Tool
from models.tools.dialects import Asked, AssistantTurn, Messages, answer_so_far
from models.tools.react import Call, Reasoning, made
from models.tools.tool import ERROR, as_text

logger = logging.getLogger(__name__)

CALL_SECONDS = 20.0
"""A statement is stopped after 2.5 s; the rest is for a machine that is busy."""
CALLS_AT_ONCE = 4
NEEDS = {"search_memory": "memory"}
"""Scopes that a tool needs besides `tools`."""
BROKEN = f"{ERROR}инструмент сломался. Ответь без него."

Event = dict[str, Any]
Fit = Callable[[Messages, list[dict[str, Any]]], Awaitable[Messages]]
"""From a conversation and the tools at hand to what of it the model can read; 422 if nothing."""


@dataclass
class OwnTools:
    """The tools that a gateway lends: `of` binds them to a person by pseudonym.

    `usual` are the names that `own_tools: true` means.
    """

    of: Callable[[str], Sequence[Tool]]
    usual: Sequence[str]
    seconds: float = CALL_SECONDS
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(CALLS_AT_ONCE, "tools"), repr=False
    )

    def wanted(self, names: bool | Sequence[str], person: Person) -> tuple[Tool, ...]:
        """Return the tools that a request names; 422 for an unknown one, 403 without its scope."""
        person.needs("tools")
        tools = {tool.name: tool for tool in self.of(person.user_id)}
        if names is True:
            usual = [name for name in self.usual if NEEDS.get(name, "tools") in person.scopes]
            return tuple(tool for name, tool in tools.items() if name in usual)
        for name in names or ():
            if name not in tools:
                listed = ", ".join(f"`{known}`" for known in tools)
                raise Problem(422, f"There is no tool `{name}`.", hint=f"there are {listed}")
            person.needs(NEEDS.get(name, "tools"))
        return tuple(tool for name, tool in tools.items() if name in (names or ()))

    async def made(self, call: Asked, tools: Sequence[Tool]) -> Call:
        """Return a call made in a thread; one that takes too long or breaks is observed so."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            running = loop.run_in_executor(self.pool, made, call, tools)
            return await asyncio.wait_for(running, self.seconds)
        except TimeoutError:
            observation = f"{ERROR}инструмент не ответил за {self.seconds:g} с. Ответь без него."
        except Exception:
            logger.exception("the tool `%s` broke; the answer is given without", call.name)
            observation = BROKEN
        return Call(call.name, call.arguments, observation, loop.time() - began)


@dataclass
class WithTools:
    """An upstream that reasons: one answer's `whole` or `stream`, with calls on the way."""

    upstream: Upstream
    own: OwnTools
    tools: Sequence[Tool]
    reasoning: Reasoning
    fit: Fit
    usage: Counter[str] = field(default_factory=Counter)
    finish: str = ""

    async def whole(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the whole answer to a request in OpenAI's form."""
        async for _ in self.stream(body):
            pass
        reasoned = self.reasoning.reasoned
        message = {"role": "assistant", "content": reasoned.answer if reasoned else ""}
        return {
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish}],
            "usage": dict(self.usage),
        }

    async def stream(self, body: Mapping[str, Any]) -> AsyncIterator[list[Event]]:
        """Yield the events of a streamed answer, the first ones after the model's first turn."""
        begun, sent, turn = False, "", AssistantTurn("")
        while self.reasoning.reasoned is None:
            async for turn in self._turn(body):
                if not begun:
                    yield [_event({"role": "assistant", "content": ""})]
                    begun = True
                if self.reasoning.is_last and (new := answer_so_far(turn.content)[len(sent) :]):
                    sent += new
                    yield [_event({"content": new})]
            for asked in self.reasoning.hear(turn):
                call = await self.own.made(asked, self.tools)
                self.reasoning.observe(call)
                yield [{**_event({}), "steppe": {"call": told(call)}}]
        if rest := self.reasoning.reasoned.answer[len(sent) :]:
            yield [_event({"content": rest})]
        yield [_event({}, self.finish), {"choices": [], "usage": dict(self.usage)}]

    def about(self) -> dict[str, Any]:
        """Return how the answer came about so far: calls, thoughts, and what stopped it."""
        return {
            "calls": [told(call) for call in self.reasoning.calls],
            "thoughts": list(self.reasoning.thoughts),
            "stopped": self.reasoning.stopped,
        }

    async def _turn(self, body: Mapping[str, Any]) -> AsyncIterator[AssistantTurn]:
        """Yield the model's next turn: at once, or as far as it has come where it is the last."""
        asked = {**body, "messages": await self._read()}
        if not self.reasoning.is_last:
            asked = {k: v for k, v in asked.items() if k != "stream_options"}
            asked |= {"tools": self.reasoning.offered, "stream": False}
            answer = await self.upstream.whole(asked)
            choice = answer["choices"][0]
            self._count(answer, choice)
            yield _as_turn(choice["message"])
            return
        text = ""
        asked["stream_options"] = {"include_usage": True}
        async for together in self.upstream.stream(asked):
            for event in together:
                for choice in event.get("choices") or [{}]:
                    self._count(event, choice)
                    text += (choice.get("delta") or {}).get("content") or ""
                yield AssistantTurn(text)
        yield AssistantTurn(text)

    async def _read(self) -> Messages:
        """Return the conversation as the model can read it; observations go where they must."""
        try:
            return await self.fit(self.reasoning.messages, self.reasoning.offered)
        except Problem as problem:
            if problem.status_code != 422 or not self.reasoning.shorten():
                raise
        return await self.fit(self.reasoning.messages, self.reasoning.offered)

    def _count(self, event: Mapping[str, Any], choice: Mapping[str, Any]) -> None:
        self.usage.update({k: v for k, v in (event.get("usage") or {}).items() if _is_count(v)})
        finish = choice.get("finish_reason")
        self.finish = "stop" if finish == "tool_calls" else finish or self.finish


def told(call: Call) -> dict[str, Any]:
    """Return a call as answers and the log tell it."""
    return {**asdict(call), "seconds": round(call.seconds, 4)}


def _is_count(value: Any) -> bool:
    return isinstance(value, int)  # vLLM tells details beside its sums


def _as_turn(message: Mapping[str, Any]) -> AssistantTurn:
    functions = [(call.get("id"), call["function"]) for call in message.get("tool_calls") or ()]
    calls = [
        Asked(*(as_text(str(part or "")) for part in (told["name"], told["arguments"], call_id)))
        for call_id, told in functions
    ]
    return AssistantTurn(as_text(message.get("content") or ""), tuple(calls))


def _event(delta: dict[str, Any], finish: str | None = None) -> Event:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
