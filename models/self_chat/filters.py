"""Why a generated dialogue is not kept.  Each rule is a word; the first that applies is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
GENERIC = frozenset(
    ("имя", "кличка", "цвет", "день", "число", "место", "час", "номер", "раз", "год", "рождение")
)
"""Nouns that belong to the form of a question, not to what it is about."""


ASPECTS = {
    "name": "зовут имя имени кличка кличку называется назвал название",
    "place": "где куда место месте дом города городе находится найти",
    "time": "когда сколько день дня число числа час часу часто рождения родилась родился",
    "age": "сколько лет возраст",
    "kind": "какой какая какое какие какого каком какую цвет цвета",
    "number": "какой номер номера",
    "what": "что чем чего кем кто",
}
"""Words that tell what a question wants to know of its subject."""


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


def aspects(question: str) -> frozenset[str]:
    """Return what a question wants to know, as keys of `ASPECTS`; empty where no word says."""
    said = set(words(question))
    return frozenset(name for name, listed in ASPECTS.items() if said & set(listed.split()))


@dataclass(slots=True)
class Filters:
    """The rules, and what was already said: questions, the person's own answers, the exam."""

    questions: set[str] = field(default_factory=set)
    answers: frozenset[str] = frozenset()
    exam: frozenset[str] = frozenset()

    @classmethod
    def over(cls, seeds: Sequence[Seed], exam: Iterable[str] = ()) -> Filters:
        """Return filters that know the seeds' words, and the questions kept for evaluation."""
        asked = {folded(c) for s in seeds for role, c in s.messages if role == "user"}
        told = frozenset(folded(c) for s in seeds for role, c in s.messages if role != "user")
        return cls(asked, told, frozenset(map(folded, exam)))

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
        """Return why a paraphrase is not worth a second look; a good one is asked from now on."""
        if reason := self.turn(said):
            return reason
        if folded(said.text) == folded(question):
            return "identical_to_parent"
        asked, now = aspects(question), aspects(said.text)
        if not subjects(question) <= subjects(said.text) or (asked and now and not asked & now):
            return "drifted"
        return self._remember(said.text)

    def exchange(self, question: str, answer: str, topic: frozenset[str]) -> str:
        """Return why a question with the model's own answer is not kept.

        Only what the person once answered counts as true, however well anything else is said:
        a model that learns from its own unjudged claims forgets how the world is
        (arXiv 2305.17493).  And it must be an answer to a question on the topic.
        """
        if folded(answer) == folded(prompts.UNKNOWN):
            return "unknown_answer"
        if folded(answer) not in self.answers:
            return "ungrounded"
        about = subjects(question)
        return "off_topic" if about and not about & topic else ""

    def dialogue(self, messages: Turns) -> str:
        """Return why a whole dialogue is not kept: too short, or its question was asked before."""
        if len(messages) < 2:
            return "too_short"
        return self._remember(messages[0][1])

    def _remember(self, question: str) -> str:
        if folded(question) in self.exam:
            return "in_exam"
        if folded(question) in self.questions:
            return "duplicate"
        self.questions.add(folded(question))
        return ""


def folded(text: str) -> str:
    """Return a text with its case, punctuation and ё taken away, to be compared."""
    return " ".join(words(text)).replace("ё", "е")
