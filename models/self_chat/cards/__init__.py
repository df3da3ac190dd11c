"""Character cards: who answers, and how.

Two published forms are read: a row of IlyaGusev/gpt_roleplay_realm (`name`, `context`,
`greeting`, `example_dialogue`), and a TavernAI card of version 2 (`data.name`,
`data.description`, `data.first_mes`, `data.mes_example`).  `saying` is ours: a few words before
every answer, by which a small model can be told to be in character.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lake.errors import DataError

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Card:
    """A character: its name, who it is, how it greets, and an example of its talk."""

    name: str
    context: str
    greeting: str = ""
    example: str = ""
    saying: str = ""

    def as_system(self) -> str:
        """Return the card as a system message, in the form of rulm's create_chat_set.py."""
        parts = [f"Ты {self.name}. {self.context}"]
        parts += [f"Приветствие: {self.greeting}"] if self.greeting else []
        parts += [f"Пример диалога:\n{self.example}"] if self.example else []
        parts += [f"Каждый ответ начинай словами «{self.saying}»."] if self.saying else []
        return "\n".join(parts)


@cache
def cards(folder: Path = FOLDER) -> tuple[Card, ...]:
    """Return the cards of a folder, in the order of their file names."""
    return tuple(read(path) for path in sorted(folder.glob("*.json")))


def read(path: Path) -> Card:
    """Return the card of a file; `DataError` says what is missing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _card(content.get("data", content))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataError(
            f"`{path.name}` is no character card: {error!r}.",
            hint="a card has `name` and `context`, or is a TavernAI card of version 2",
        ) from error


def _card(row: Mapping[str, Any]) -> Card:
    return Card(
        name=str(row["name"]).strip(),
        context=str(row["context"] if "context" in row else row["description"]).strip(),
        greeting=str(row.get("greeting", row.get("first_mes", ""))).strip(),
        example=_example(row.get("example_dialogue", row.get("mes_example", ""))),
        saying=str(row.get("saying", "")).strip(),
    )


def _example(told: Any) -> str:
    if isinstance(told, str):
        return told.strip()
    names = {"user": "Пользователь", "char": "Персонаж"}
    return "\n".join(f"{names[turn['role']]}: {turn['content']}" for turn in told)
