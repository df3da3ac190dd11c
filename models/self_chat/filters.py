"""Why a generated dialogue is not kept.  Each rule is a word; the first that applies is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from models.backends import Generation
from models.evaluation.health import cyrillic, longest_repeat
from models.primer import prompts
from models.self_chat import Seed, Turns

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer

MIN_CYRILLIC = 0.8
MAX_REPEAT = 0.45
"""An answer that says itself twice has a repeated span of half its length."""
MIN_LETTERS = 2
PERSONAL = frozenset(
    [
        "я",
        "мне",
        "меня",
        "мной",
        "мой",
        "моя",
        "моё",
        "мои",
        "моего",
        "моей",
        "моих",
        "моему",
        "моим",
        "мою",
        "моём",
        "наш",
        "наша",
        "наши",
        "нашей",
    ]
)
GENERIC = frozenset(
    ("имя", "кличка", "цвет", "день", "число", "место", "час", "номер", "раз", "год", "время")
)
"""Nouns that belong to the form of a question, not to what it is about."""


@cache
def _analyzer() -> MorphAnalyzer:
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@cache
def _noun(word: str) -> str:
    """Return a word's dictionary form if it reads as a noun first, else an empty string."""
    reading = _analyzer().parse(word)[0]
    return str(reading.normal_form) if "NOUN" in reading.tag else ""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return re.findall(r"\w+", text.lower())


def subjects(text: str) -> frozenset[str]:
    """Return what a sentence is about: its nouns in their dictionary form."""
    return frozenset(map(_noun, words(text))) - GENERIC - {""}


@dataclass(slots=True)
class Filters:
    """The rules, and what was already said: questions and the person's own answers."""

    questions: set[str] = field(default_factory=set)
    answers: frozenset[str] = frozenset()

    @classmethod
    def over(cls, seeds: Sequence[Seed]) -> Filters:
        """Return filters that know the seeds' questions and answers."""
        asked = {_folded(c) for s in seeds for role, c in s.messages if role == "user"}
        told = frozenset(_folded(c) for s in seeds for role, c in s.messages if role != "user")
        return cls(asked, told)

    def turn(self, said: Generation) -> str:
        """Return why a turn cannot be used, or an empty string."""
        text = said.text.strip()
        if not text:
            return "empty"
        if said.finish != "stop":
            return "no_stop"
        if sum(c.isalpha() for c in text) < MIN_LETTERS:
            return "too_short"
        if cyrillic(text) < MIN_CYRILLIC:
            return "not_russian"
        return "repeats" if longest_repeat(text) > MAX_REPEAT else ""

    def paraphrase(self, question: str, said: Generation) -> str:
        """Return why a paraphrase is not kept; a kept one counts as asked from now on."""
        if reason := self.turn(said):
            return reason
        if _folded(said.text) == _folded(question):
            return "identical_to_parent"
        if not subjects(question) <= subjects(said.text):
            return "drifted"
        return self._remember(said.text)

    def exchange(self, question: str, answer: str) -> str:
        """Return why a question with the model's own answer is not kept.

        What the person's life is like only the person knows: an answer to a personal question
        that nobody gave before is `ungrounded`, however well it is said.
        """
        if _folded(answer) == _folded(prompts.UNKNOWN):
            return "unknown_answer"
        if PERSONAL & set(words(question)) and _folded(answer) not in self.answers:
            return "ungrounded"
        return ""

    def dialogue(self, messages: Turns) -> str:
        """Return why a whole dialogue is not kept: too short, or its question was asked before."""
        if len(messages) < 2:
            return "too_short"
        return self._remember(messages[0][1])

    def _remember(self, question: str) -> str:
        if _folded(question) in self.questions:
            return "duplicate"
        self.questions.add(_folded(question))
        return ""


def _folded(text: str) -> str:
    return " ".join(words(text)).replace("ё", "е")
