"""ReAct: think, call a tool, read what it observed, and at last answer (arXiv 2210.03629).

The loop knows no network: `ask` gives the model's next turn.  What was thought stays beside the
answer, never in it.  It ends with an answer, at the step limit, or when a call is made again word
for word: a tool that is asked the same says the same (Reflexion, arXiv 2303.11366, cuts a trial
there too).  Then the model is asked once more, without tools, to say what it has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def answer(
    ask: Ask,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Tool],
    *,
    max_steps: int = MAX_STEPS,
    dialect: Dialect = NATIVE,
) -> Reasoned:
    """Return the model's answer to a conversation, after as many calls of tools as it wanted."""
    known = {tool.name: tool for tool in tools}
    said, offered = dialect.opening(messages, tools), dialect.field(tools)
    made: dict[tuple[str, str], Call] = {}
    thoughts: list[str] = []
    stopped = "steps"
    for _ in range(max_steps):
        step = dialect.read(ask(said, offered))
        thoughts += filter(None, [step.thought])
        if not step.calls:
            return Reasoned(step.answer, tuple(thoughts), tuple(made.values()))
        again = any(_key(call) in made for call in step.calls)
        said = [*said, step.written, *_observed(step, known, made, dialect)]
        if again:
            stopped = "repeated"
            break
    last = dialect.read(ask(said, []))
    thoughts += filter(None, [last.thought])
    return Reasoned(last.answer, tuple(thoughts), tuple(made.values()), stopped)


def _observed(
    step: Step, known: Mapping[str, Tool], made: dict[tuple[str, str], Call], dialect: Dialect
) -> Iterator[dict[str, Any]]:
    """Yield a message for every call, and note those that were made for the first time."""
    for number, call in enumerate(step.calls):
        key = _key(call)
        if key not in made and number < MAX_CALLS_A_STEP:
            made[key] = _made(call, known)
        observation = made[key].observation if key in made else TOO_MANY
        yield dialect.result(call, observation)


def _made(call: Asked, known: Mapping[str, Tool]) -> Call:
    began = time.monotonic()
    if call.name == UNREADABLE:
        observation = MALFORMED
    elif call.name not in known:
        listed = ", ".join(f"`{name}`" for name in known) or "нет никаких"
        observation = f"{ERROR}инструмента `{call.name[:40]}` нет. Есть: {listed}."
    else:
        observation = known[call.name].run(call.arguments)
    return Call(call.name, call.arguments, observation, time.monotonic() - began)


def _key(call: Asked) -> tuple[str, str]:
    """Return what makes two calls the same: the order of arguments does not."""
    try:
        return call.name, json.dumps(json.loads(call.arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return call.name, call.arguments
