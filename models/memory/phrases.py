"""In which words a model is asked to read, to sum up and to reflect.

The embedded base knows the formats of its schooling and is asked in those words
(`models.primer.prompts`); any other model is asked in sentences, `prompts/*.toml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from models import prompt_files
from models.memory import Message
from models.primer import language as lang
from models.primer import prompts

FOLDER = Path(__file__).with_name("prompts")
NOTHING = "ничего"
"""What a model answers where there is nothing to write."""


class Phrases(Protocol):
    """How to ask; every method returns a conversation to be answered."""

    def summary(self, said: Sequence[tuple[str, str]]) -> list[Message]:
        """Ask what a talk was about; `said` has (role, content)."""

    def reflection(self, facts: Sequence[str]) -> list[Message]:
        """Ask what several facts say together."""


class PrimerPhrases:
    """The words of the embedded base's schooling: one format for both."""

    def summary(self, said: Sequence[tuple[str, str]]) -> list[Message]:
        return [_user(prompts.summary(" ".join(content for _, content in said)))]

    def reflection(self, facts: Sequence[str]) -> list[Message]:
        return [_user(prompts.summary(" ".join(f"{lang.capital(fact)}." for fact in facts)))]


class WrittenPhrases:
    """Sentences for a model that follows instructions."""

    def extraction(self, turns: Sequence[tuple[int, str, str]]) -> list[Message]:
        """Ask for the facts of a person's turns: (position, words, the question before them)."""
        listed = (
            f"[{position}] {f'({asked}) ' if asked else ''}{words}"
            for position, words, asked in turns
        )
        return [_user(written("extraction", "request", turns="\n".join(listed)))]

    def summary(self, said: Sequence[tuple[str, str]]) -> list[Message]:
        names = {"user": "Человек", "assistant": "Помощник"}
        talk = "\n".join(f"{names[role]}: {text}" for role, text in said if role in names)
        return [_user(written("summary", "request", talk=talk))]

    def reflection(self, facts: Sequence[str]) -> list[Message]:
        listed = "\n".join(f"{n}. {fact}" for n, fact in enumerate(facts, start=1))
        return [_user(written("reflection", "request", facts=listed))]


written = partial(prompt_files.written, FOLDER)
"""From file, key and values to a prompt of `prompts/`."""


def _user(content: str) -> Message:
    return {"role": "user", "content": content}
