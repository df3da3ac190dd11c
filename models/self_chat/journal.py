"""What was already said, kept chunk by chunk: a killed run goes on where it stopped.

    <folder>/<id of all that the run depends on>/<chunk>.json

A chunk is written whole, by one rename.  Equal runs give equal chunks, so it does not matter
which of two runs wrote one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.self_chat import Preference, SelfChat


@dataclass(frozen=True, slots=True)
class Journal:
    """The chunks of one run, in a folder of their own."""

    folder: Path

    def chunk(self, name: str, make: Callable[[], Sequence[SelfChat]]) -> list[SelfChat]:
        """Return a chunk as it was written, or make and write it."""
        path = self.folder / f"{name}.json"
        if (known := _known(path)) is not None:
            return known
        made = list(make())
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(
            json.dumps([asdict(chat) for chat in made], ensure_ascii=False), encoding="utf-8"
        )
        draft.replace(path)
        return made


def tokens(journals: Path) -> int:
    """Return how many tokens the chunks under a folder took."""
    chunks = (_known(path) for path in sorted(journals.rglob("*.json")))
    return sum(chat.tokens for chunk in chunks for chat in chunk or ())


def _known(path: Path) -> list[SelfChat] | None:
    """Return a chunk that was written; None for one that was not, or that cannot be read."""
    try:
        return [_read(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _read(row: dict[str, Any]) -> SelfChat:
    return SelfChat(
        **{
            **row,
            "messages": _turns(row["messages"]),
            "parents": tuple(row["parents"]),
            "preferences": tuple(
                Preference(**{**p, "prompt": _turns(p["prompt"])}) for p in row["preferences"]
            ),
        }
    )


def _turns(messages: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((role, content) for role, content in messages)
