"""ReAct: think, call a tool, read what it observed, and at last answer (arXiv 2210.03629).

`Reasoning` knows no network and no thread: whoever drives it asks the model and makes the calls.
`answer` is the plain driver, `models.serving.own_tools` the gateway's.  What was thought stays
beside the answer, never in it.  It ends with an answer, at the step limit, or when a call is made
again word for word: a tool that is asked the same says the same (Reflexion, arXiv 2303.11366, cuts
a trial there too).  Then the model is asked once more, without tools, to say what it has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.tools.dialects import (
    UNREADABLE,
    Asked,
    AssistantTurn,
    Dialect,
    Messages,
    Native,
    Schooled,
    Step,
)
from models.tools.tool import ERROR, Tool

MAX_STEPS = 4  # rounds of calls: each tool here answers in one
MAX_CALLS_A_STEP = 8
NATIVE, SCHOOLED = Native(), Schooled()
MALFORMED = ERROR + 'вызов не разобрать. Нужно {"name": "...", "arguments": {...}}.'
TOO_MANY = f"{ERROR}за один раз можно не больше {MAX_CALLS_A_STEP} вызовов."
TOO_LONG = ERROR + "ответ инструмента слишком длинный. Спроси о меньшем."

Ask = Callable[[Messages, list[dict[str, Any]]], AssistantTurn]
"""From a conversation and the API's field `tools` to the model's next turn."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was made, what the tool observed, and how long it took."""

    name: str
    arguments: str
    observation: str
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Reasoned:
    """An answer, and beside it how it came about.

    `stopped` is empty, `repeated` (a call was made again) or `steps` (the limit).
    """

    answer: str
    thoughts: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    stopped: str = ""


@dataclass
class Reasoning:
    """One question on its way to its answer: `hear` a turn, `observe` its calls, until `reasoned`.

    `messages` and `offered` (the API's field `tools`) are what the model is asked next.
    """

    said: Messages
    offered: list[dict[str, Any]]
    max_steps: int = MAX_STEPS
    dialect: Dialect = NATIVE
    thoughts: list[str] = field(default_factory=list)
    stopped: str = ""
    reasoned: Reasoned | None = None
    _made: dict[tuple[str, str], Call] = field(default_factory=dict)
    _newest: Step | None = None
    _steps: int = 0
    _too_long: bool = False

    @classmethod
    def of(
        cls,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Tool],
        *,
        max_steps: int = MAX_STEPS,
        dialect: Dialect = NATIVE,
    ) -> Reasoning:
        """Return the reasoning about a conversation with these tools at hand."""
        said, offered = dialect.opening(messages, tools), dialect.field(tools)
        return cls(said, offered, max_steps, dialect)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return the calls that were made so far."""
        return tuple(self._made.values())

    @property
    def is_last(self) -> bool:
        """Say whether the model's next turn is its last: no tool is at hand any more."""
        return bool(self.stopped)

    @property
    def messages(self) -> Messages:
        """Return the conversation as the model is to read it next."""
        return [*self.said, *self._written()]

    def hear(self, turn: AssistantTurn) -> tuple[Asked, ...]:
        """Take the model's next turn; return the calls to make now: those never made before."""
        step = self.dialect.read(turn)
        ends = self.is_last or not step.calls
        thought = [step.thought] if ends else [step.thought, step.said]
        self.thoughts += filter(None, ["\n".join(filter(None, thought))])
        if ends:
            self.reasoned = Reasoned(step.said, tuple(self.thoughts), self.calls, self.stopped)
            return ()
        self.said, self._newest, self._too_long = self.messages, step, False
        self._steps += 1
        if any(_key(call) in self._made for call in step.calls):
            self._stop("repeated")
        elif self._steps == self.max_steps:
            self._stop("steps")
        asked = {_key(call): call for call in step.calls[:MAX_CALLS_A_STEP]}
        return tuple(call for key, call in asked.items() if key not in self._made)

    def observe(self, call: Call) -> None:
        """Take what a call that `hear` returned has observed."""
        self._made[_key(call)] = call

    def shorten(self) -> bool:
        """Put an error in place of the newest observations; false where there are none left.

        For a conversation that outgrows what the model reads.
        """
        was, self._too_long = self._too_long, self._newest is not None
        return self._too_long and not was

    def _stop(self, why: str) -> None:
        self.stopped, self.offered = why, []

    def _written(self) -> Messages:
        """Return the newest turn with a message for every call of it."""
        if self._newest is None:
            return []
        told = [self.dialect.result(call, self._observed(call)) for call in self._newest.calls]
        return [self._newest.written, *told]

    def _observed(self, call: Asked) -> str:
        made = self._made.get(_key(call))
        if made is None:
            return TOO_MANY
        return TOO_LONG if self._too_long else made.observation


def answer(
    ask: Ask,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Tool],
    *,
    max_steps: int = MAX_STEPS,
    dialect: Dialect = NATIVE,
) -> Reasoned:
    """Return the model's answer to a conversation, after as many calls of tools as it wanted."""
    reasoning = Reasoning.of(messages, tools, max_steps=max_steps, dialect=dialect)
    while reasoning.reasoned is None:
        for call in reasoning.hear(ask(reasoning.messages, reasoning.offered)):
            reasoning.observe(made(call, tools))
    return reasoning.reasoned


def made(call: Asked, tools: Sequence[Tool]) -> Call:
    """Return a call made with these tools: what is no call of theirs is observed as an error."""
    began = time.monotonic()
    known = {tool.name: tool for tool in tools}
    if call.name == UNREADABLE:
        observation = MALFORMED
    elif call.name not in known:
        listed = ", ".join(f"`{name}`" for name in known) or "нет никаких"
        observation = f"{ERROR}инструмента `{call.name[:40]}` нет. Есть: {listed}."
    else:
        observation = known[call.name].run(call.arguments)
    return Call(call.name, call.arguments, observation, time.monotonic() - began)


def _key(call: Asked | Call) -> tuple[str, str]:
    """Return what makes two calls the same: the order of arguments does not."""
    try:
        return call.name, json.dumps(json.loads(call.arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, call.arguments
