"""What is remembered of the person who asks: memories found by meaning, then what they said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lake.errors import BadArguments
from models.tools.tool import Tool, taking

MAX_MEMORIES = 10
MAX_CHARACTERS = 300  # of one memory
NOTHING = "Ничего такого я не помню."
KINDS = {"fact": "факт", "summary": "пересказ", "reflection": "вывод", "turn": "сказано"}


class Remembered(Protocol):
    """What came to mind: its kind and its words."""

    @property
    def kind(self) -> str:
        """A key of `KINDS`."""

    @property
    def text(self) -> str:
        """What is remembered."""


Recall = Callable[[str], Sequence[Remembered]]
"""From a text to what comes to mind of a person, the best first."""


def search_memory(recall: Recall) -> Tool:
    """Return the tool over what gives a person's memories of a text."""
    text = {"type": "string", "description": "о чём вспомнить, словами"}
    return Tool(
        "search_memory",
        "Ищет в памяти о собеседнике: что он рассказывал раньше.",
        taking(text=text),
        lambda given: _found(given["text"], recall),
    )


def _found(text: str, recall: Recall) -> str:
    """Return a line a memory with what it is: what was only said stands last."""
    if not text.strip():
        raise BadArguments("`text` пуст.", hint="напиши, о чём вспомнить")
    memories = sorted(recall(text), key=lambda memory: memory.kind == "turn")
    lines = [f"- {KINDS.get(m.kind, m.kind)}: {_short(m.text)}" for m in memories if m.text.strip()]
    return "\n".join(list(dict.fromkeys(lines))[:MAX_MEMORIES]) or NOTHING


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"
