"""SQL over the person's own dialogues, and nobody else's.

How the rows are kept apart is not known here: `ask` is bound to a person and bounded already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from models.tools.tool import Tool, taking

MAX_ROWS = 30
MAX_CELL = 200  # characters
DESCRIPTION = (
    "Отвечает на вопрос SQL (DuckDB, только чтение) по разговорам собеседника. Таблицы: "
    "dialogues(dialogue_id, day, source, title, language, turns, characters, began_at, ended_at), "
    "messages(dialogue_id, position, role, content, created_at, day); "
    "role бывает user, assistant, system, tool; время по UTC."
)


class Answered(Protocol):
    """Rows with their columns; `cut` where some were left out."""

    @property
    def columns(self) -> Sequence[str]:
        """Names, in order."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """Values, a row each."""

    @property
    def cut(self) -> bool:
        """Say whether anything was left out."""


def sql(ask: Callable[[str], Answered]) -> Tool:
    """Return the tool; `ask` raises a `SteppeError` for what may not be asked."""
    statement = {"type": "string", "description": "один запрос: select, with, describe"}
    return Tool(
        "sql",
        DESCRIPTION,
        taking(statement=statement),
        lambda given: shown(ask(given["statement"])),
    )


def shown(answer: Answered) -> str:
    """Return an answer as lines, columns parted by bars, and what was left out."""
    if not answer.rows:
        return "Строк нет."
    lines = [" | ".join(answer.columns)]
    lines += [" | ".join(map(_cell, row)) for row in answer.rows[:MAX_ROWS]]
    if answer.cut or len(answer.rows) > MAX_ROWS:
        lines.append("(показано не всё: спроси о меньшем)")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
