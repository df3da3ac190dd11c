"""How a model calls tools: by the API's own field, or in words it was schooled in.

native     OpenAI's `tool_calls`; results are messages of the role `tool` with the call's id
schooled   the embedded base's words, as `models/primer/formats/tools.py` taught them: a system
           message names the tools, and a call is `<tool_call>{"name": ..., "arguments": ...}`
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from models.primer import prompts
from models.tools.tool import Tool, as_text

Messages = list[dict[str, Any]]
THINKING = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)
CALLING = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
MARKS = ("<think>", "<tool_call>")
UNREADABLE = ""  # the name of a call that cannot be read


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as the model made it; `arguments` is JSON, right or wrong."""

    name: str
    arguments: str
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """What a model said: words, and the calls that an API gives beside them."""

    content: str
    calls: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A turn taken apart: what was thought, what was asked of tools, and the words beside them.

    The words are the answer where nothing is asked, and else a thought.  `written` is the turn as
    it goes on in the conversation.
    """

    thought: str
    calls: tuple[Asked, ...]
    said: str
    written: dict[str, Any]


class Dialect(Protocol):
    """A way to call tools."""

    def opening(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], /) -> Messages:
        """Return the conversation as the model has to see it to know its tools."""

    def field(self, tools: Sequence[Tool], /) -> list[dict[str, Any]]:
        """Return what goes into the API's field `tools`."""

    def read(self, turn: AssistantTurn) -> Step:
        """Return a turn taken apart."""

    def result(self, call: Asked, observation: str, /) -> dict[str, Any]:
        """Return the message with what a tool observed."""


@dataclass(frozen=True, slots=True)
class Native:
    """OpenAI's tool calls; thoughts stand before the calls or between `<think>` marks (Qwen3).

    A server leaves a call in words where it names no tool of the request: it is read all the same.
    """

    def opening(self, messages: Sequence[Mapping[str, Any]], _: Sequence[Tool], /) -> Messages:
        return [dict(message) for message in messages]

    def field(self, tools: Sequence[Tool], /) -> list[dict[str, Any]]:
        return [tool.schema() for tool in tools]

    def read(self, turn: AssistantTurn) -> Step:
        thought, rest = _parted(turn.content, THINKING)
        calls = turn.calls or tuple(_call(body) for body in CALLING.findall(rest))
        said = CALLING.sub("", rest).strip()
        written: dict[str, Any] = {"role": "assistant", "content": CALLING.sub("", turn.content)}
        if not calls:
            return Step(thought, (), said, written)
        named = [
            Asked(call.name, call.arguments, call.call_id or f"call_{number}")
            for number, call in enumerate(calls)
        ]
        written["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in named
        ]
        return Step(thought, tuple(named), said, written)

    def result(self, call: Asked, observation: str, /) -> dict[str, Any]:
        return {"role": "tool", "tool_call_id": call.call_id, "content": observation}


@dataclass(frozen=True, slots=True)
class Schooled:
    """The embedded base's own words; only tools it met in its schooling are worth naming."""

    def opening(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], /) -> Messages:
        return named(messages, [tool.name for tool in tools])

    def field(self, _: Sequence[Tool], /) -> list[dict[str, Any]]:
        return []

    def read(self, turn: AssistantTurn) -> Step:
        thought, rest = _parted(turn.content, THINKING)
        calls = tuple(_call(body) for body in CALLING.findall(rest))
        said = CALLING.sub("", rest).strip()
        return Step(thought, calls, said, {"role": "assistant", "content": turn.content})

    def result(self, _: Asked, observation: str, /) -> dict[str, Any]:
        return {"role": "tool", "content": observation}


def answer_so_far(content: str) -> str:
    """Return what of a turn that is still coming is certain to open its answer.

    Neither thoughts nor calls, nor an end that may yet become a mark of one.
    """
    said = CALLING.sub("", THINKING.sub("", content))
    for mark in MARKS:
        opened = next((n for n in range(len(mark) - 1, 0, -1) if said.endswith(mark[:n])), 0)
        said = said[: len(said) - opened]
    return said.strip()


def named(messages: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Messages:
    """Return a conversation whose system message names the tools at hand; unchanged for none."""
    said = [dict(message) for message in messages]
    if not names:
        return said
    listed = prompts.tools(names)
    if said and said[0]["role"] == "system":
        return [{**said[0], "content": f"{said[0]['content']} {listed}".strip()}, *said[1:]]
    return [{"role": "system", "content": listed}, *said]


def _call(body: str) -> Asked:
    """Return a call from its JSON; one that cannot be read has no name and all of its words."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Asked(UNREADABLE, body)
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return Asked(UNREADABLE, body)
    arguments = json.dumps(found.get("arguments") or {}, ensure_ascii=False)
    return Asked(as_text(found["name"]), as_text(arguments))


def _parted(text: str, marked: re.Pattern[str]) -> tuple[str, str]:
    """Return what stands between marks, and what does not."""
    inside = "\n".join(part.strip() for part in marked.findall(text))
    return inside.strip(), marked.sub("", text).strip()
