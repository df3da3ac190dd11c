"""What is remembered of the person who asks: words found by meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lake.errors import BadArguments
from models.tools.tool import Tool, taking

MAX_MEMORIES = 10
MAX_CHARACTERS = 300  # of one memory
NOTHING = "Ничего такого я не помню."


def search_memory(recall: Callable[[str], Sequence[str]]) -> Tool:
    """Return the tool; `recall` gives a person's memories of a text, the nearest first."""
    text = {"type": "string", "description": "о чём вспомнить, словами"}
    return Tool(
        "search_memory",
        "Ищет в памяти о собеседнике: что он рассказывал раньше.",
        taking(text=text),
        lambda given: _found(given["text"], recall),
    )


def _found(text: str, recall: Callable[[str], Sequence[str]]) -> str:
    if not text.strip():
        raise BadArguments("`text` пуст.", hint="напиши, о чём вспомнить")
    memories = [" ".join(memory.split()) for memory in recall(text)]
    lines = [f"- {_short(memory)}" for memory in dict.fromkeys(memories) if memory]
    return "\n".join(lines[:MAX_MEMORIES]) or NOTHING


def _short(memory: str) -> str:
    return memory if len(memory) <= MAX_CHARACTERS else memory[: MAX_CHARACTERS - 1] + "…"
