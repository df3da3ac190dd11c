"""OpenAI's tool calls in the embedded base's own words, both ways.

The base was taught calls as `<tool_call>{"name", "arguments"}</tool_call>` and results as messages
of the role `tool` (`models.primer.formats.tools`), the form that Qwen's and Hermes' templates use
too; which tools are at hand it reads from a system message.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

Tools = Sequence[dict[str, Any]] | None
CALL = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)


def within(tools: Tools, known: Sequence[str]) -> list[dict[str, Any]]:
    """Return the tools that have a known name: others in its prompt unsettle a small model."""
    return [tool for tool in tools or () if (tool.get("function") or {}).get("name") in known]


def plain(messages: Sequence[Mapping[str, Any]], tools: Tools) -> list[dict[str, str]]:
    """Return a conversation as (role, content) alone: calls written out, tools listed first."""
    from models.tools.dialects import named

    return named([_written(message) for message in messages], _names(tools))


def _names(tools: Tools) -> list[str]:
    """Return what the tools of a request are called; what is none has no name."""
    functions = [tool.get("function") for tool in tools or ()]
    return [str(f["name"]) for f in functions if isinstance(f, Mapping) and f.get("name")]


def _written(message: Mapping[str, Any]) -> dict[str, str]:
    calls = "".join(
        f"<tool_call>{json.dumps(_as_taught(call), ensure_ascii=False)}</tool_call>"
        for call in message.get("tool_calls") or ()
    )
    return {"role": str(message["role"]), "content": f"{message.get('content') or ''}{calls}"}


def _as_taught(call: Mapping[str, Any]) -> dict[str, Any]:
    told = call.get("function")
    function = told if isinstance(told, Mapping) else {}
    given = function.get("arguments") or "{}"
    try:
        arguments = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        arguments = {}
    return {"name": str(function.get("name", "")), "arguments": arguments}


def message(text: str, tools: Tools, finish: str) -> tuple[dict[str, Any], str]:
    """Return the assistant's message and its finish: with calls of tools at hand, or as it is.

    What is not a call of a tool that the request names stays text.
    """
    known = set(_names(tools))
    calls = [call for call in map(_read, CALL.findall(text)) if call and call["name"] in known]
    if not calls:
        return {"role": "assistant", "content": text}, finish
    told = [
        {
            "id": f"call_{uuid.uuid4().hex[:24]}",
            "type": "function",
            "function": {
                "name": call["name"],
                "arguments": json.dumps(call["arguments"], ensure_ascii=False),
            },
        }
        for call in calls
    ]
    thought = CALL.sub("", text).strip()
    return {"role": "assistant", "content": thought or None, "tool_calls": told}, "tool_calls"


def as_delta(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as the delta of a stream: calls are numbered there."""
    calls = [{"index": n, **call} for n, call in enumerate(whole.get("tool_calls") or ())]
    told = {key: value for key, value in whole.items() if key not in ("role", "tool_calls")}
    return {**told, "tool_calls": calls} if calls else told


def _read(found: str) -> dict[str, Any] | None:
    try:
        call = json.loads(found)
        return {"name": str(call["name"]), "arguments": dict(call.get("arguments") or {})}
    except (ValueError, KeyError, TypeError):
        return None
