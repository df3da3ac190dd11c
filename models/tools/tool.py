"""A tool: a name, what it is for, what it takes, and what it does for one person.

Whatever comes as arguments, `run` returns words for the model to read: what was found, or what is
wrong and how to say it right.  It raises nothing that a model's mistake could cause.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lake.errors import BadArguments, SteppeError

MAX_ARGUMENTS = 20_000  # characters of one call's arguments, as JSON
MAX_OBSERVATION = 4000  # characters: a few screens, and a third of a small model's context
ERROR = "Ошибка: "  # how an observation begins that is none
KINDS: Mapping[str, tuple[type, str]] = {
    "string": (str, "строкой"),
    "integer": (int, "целым числом"),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters` is the JSON schema of an object; `action` gets what it let through.

    Properties are strings, of an `enum` maybe, or integers.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    action: Callable[[Mapping[str, Any]], str]

    def run(self, arguments: Mapping[str, Any] | str) -> str:
        """Return what the tool observed; JSON text, as APIs send it, is read first."""
        try:
            given = _read(arguments)
            _require_fit(self.parameters, given)
            return _short(self.action(given))
        except SteppeError as error:
            return _short(f"{ERROR}{error.message} {_sentence(error.hint)}")

    def schema(self) -> dict[str, Any]:
        """Return the tool as OpenAI's `tools` lists it."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
        }
        return {"type": "function", "function": function}


def as_text(text: str) -> str:
    """Return text that every file and wire takes: half a surrogate pair becomes `?`."""
    return text.encode("utf-8", "replace").decode()


def taking(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these properties, required unless with a default."""
    return {
        "type": "object",
        "properties": {name: dict(about) for name, about in properties.items()},
        "required": [name for name, about in properties.items() if "default" not in about],
        "additionalProperties": False,
    }


def _read(arguments: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if isinstance(arguments, str):
        arguments = _parsed(arguments)
    if not isinstance(arguments, Mapping):
        raise BadArguments("Аргументы — не объект JSON.", hint='нужно {"имя": "значение"}')
    return arguments


def _parsed(written: str) -> Any:
    if len(written) > MAX_ARGUMENTS:
        raise BadArguments("Аргументы слишком длинные.", hint="скажи короче")
    try:
        return json.loads(written or "{}")
    except (ValueError, RecursionError):
        raise BadArguments(
            "Аргументы — не JSON.", hint='нужно {"имя": "значение"}, кавычки двойные'
        ) from None


def _require_fit(schema: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise for the first argument that is missing, unknown, or of another kind."""
    known: Mapping[str, Any] = schema["properties"]
    listed = ", ".join(f"`{name}`" for name in known) or "нет"
    for name in schema["required"]:
        if name not in given:
            raise BadArguments(f"Нет аргумента `{name}`.", hint=f"аргументы: {listed}")
    for name, value in given.items():
        if name not in known:
            raise BadArguments(f"Аргумента `{name}` здесь нет.", hint=f"аргументы: {listed}")
        kind, word = KINDS[known[name]["type"]]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadArguments(f"`{name}` должно быть {word}.", hint=known[name]["description"])
        if value not in known[name].get("enum", [value]):
            choices = ", ".join(f"`{choice}`" for choice in known[name]["enum"])
            raise BadArguments(f"`{name}` не может быть «{value}».", hint=f"можно: {choices}")


def _sentence(hint: str) -> str:
    return hint[:1].upper() + hint[1:] + ("" if hint.endswith((".", "!", "?")) else ".")


def _short(text: str) -> str:
    text = as_text(text)
    return text if len(text) <= MAX_OBSERVATION else text[: MAX_OBSERVATION - 1] + "…"
