"""Why a generated dialogue is not kept.  Each rule is a word; the first that applies is given.

`turn`, `reworded` and `exchange` look at what is said as it is said, and may end a talk; `why`
looks at a finished dialogue, and knows what was said before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from models import stock_phrases
from models.backends import Generation
from models.evaluation.health import cyrillic, longest_repeat
from models.self_chat import Seed, SelfChat, Turns
from models.self_chat.policy import Policy, load

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer

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
    """The rules, and what was already said: questions, the person's own answers, the exam.

    Of each answer that was given `answers` says what its questions wanted to know (`aspects`).
    `moderate` returns why a text may not be kept, or an empty string.
    """

    policy: Policy = field(default_factory=load)
    questions: set[str] = field(default_factory=set)
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exam: frozenset[str] = frozenset()
    moderate: Callable[[str], str] = lambda _text: ""

    @classmethod
    def over(
        cls,
        seeds: Sequence[Seed],
        exam: Iterable[str] = (),
        *,
        policy: Policy | None = None,
        known: Iterable[str] = (),
        moderate: Callable[[str], str] = lambda _text: "",
    ) -> Filters:
        """Return filters that know the seeds' words, and the questions kept for evaluation.

        `known` are questions of earlier dialogues, generated ones among them.
        """
        asked = {folded(c) for s in seeds if s.told for role, c in s.messages if role == "user"}
        asked |= set(map(folded, known))
        given = _given(seeds)
        return cls(policy or load(), asked, given, frozenset(map(folded, exam)), moderate)

    def turn(self, said: Generation) -> str:
        """Return why a turn cannot be used, or an empty string."""
        text = said.text.strip()
        if not text:
            return "empty"
        if said.finish != "stop":
            return "no_stop"
        if sum(c.isalpha() for c in text) < self.policy.min_letters:
            return "too_short"
        if cyrillic(text) < self.policy.min_cyrillic:
            return "not_russian"
        return "repeats" if longest_repeat(text) > self.policy.max_repeat else ""

    def lesson(self, said: Generation) -> str:
        """Return why a lesson cannot be taught, or an empty string."""
        if reason := self.turn(said):
            return reason
        return "refusal" if stock_phrases.refuses(said.text) else ""

    def reworded(self, question: str, said: Generation) -> str:
        """Return why a question is not another one in other words."""
        if reason := self.turn(said):
            return reason
        if folded(said.text) == folded(question):
            return "identical_to_parent"
        asked, now = aspects(question), aspects(said.text)
        if not subjects(question) <= subjects(said.text) or (asked and now and not asked & now):
            return "drifted"
        return ""

    def exchange(self, question: str, answer: str, topic: frozenset[str]) -> str:
        """Return why a question with the model's own answer is not kept.

        Only what a person once answered counts as true, however well anything else is said: a
        model that learns from its own unjudged claims forgets how the world is
        (arXiv 2305.17493).  And it must be an answer to a question on the topic.
        """
        from models.primer import prompts

        if folded(answer) == folded(prompts.UNKNOWN):
            return "unknown_answer"
        if stock_phrases.refuses(answer):
            return "refusal"
        if stock_phrases.mentions_its_make(answer):
            return "self_mention"
        return self._groundless(question, answer, topic) if self.policy.grounded else ""

    def _groundless(self, question: str, answer: str, topic: frozenset[str]) -> str:
        if folded(answer) not in self.answers:
            return "ungrounded"
        about, wanted = subjects(question), aspects(question)
        answered = self.answers[folded(answer)]
        if wanted and answered and not wanted & answered:
            return "beside_the_point"
        return "off_topic" if about and not about & topic else ""

    def why(self, chat: SelfChat) -> str:
        """Return why a finished dialogue is not kept; one that is kept is known from now on."""
        if chat.reason:
            return chat.reason
        if reason := self._unfit(chat):
            return reason
        question = folded(_question(chat.messages))
        if any(f" {q} " in f" {said} " for said in _asked(chat.messages) for q in self.exam):
            return "in_exam"
        if question in self.questions:
            return "duplicate"
        if self._is_near(question):
            return "near_duplicate"
        self.questions.add(question)
        return ""

    def _unfit(self, chat: SelfChat) -> str:
        text = "\n".join(content for _, content in chat.messages)
        if reason := self.moderate(text):
            return f"moderated:{reason}"
        if len(text) > self.policy.max_characters:
            return "too_long"
        nats = chat.scores.get("nats")
        if nats is not None and nats > self.policy.max_nats:
            return "improbable"
        if nats is not None and nats < self.policy.min_nats:
            return "recited"
        if chat.scores.get("judge", 1.0) < self.policy.min_judge:
            return "judged_poor"
        return ""

    def _is_near(self, question: str) -> bool:
        from rapidfuzz import fuzz, process

        wanted = self.policy.near_duplicate
        return (
            process.extractOne(question, self.questions, scorer=fuzz.ratio, score_cutoff=wanted)
            is not None
        )


def judged(chats: Iterable[SelfChat], filters: Filters) -> list[SelfChat]:
    """Return the dialogues with the reasons that the rules add, in their order.

    A dialogue that only repeats a known question still teaches which of two answers is better;
    any other reason takes its preferences with it.
    """
    found = []
    for chat in chats:
        reason = filters.why(chat)
        sound = reason in ("", "duplicate", "near_duplicate")
        preferences = chat.preferences if sound else ()
        found.append(replace(chat, reason=reason, preferences=preferences))
    return found


def _given(seeds: Sequence[Seed]) -> dict[str, frozenset[str]]:
    """Return every answer in the seeds, with the aspects that it answered."""
    found: dict[str, frozenset[str]] = {}
    for seed in seeds:
        for (_, asked), (teller, told) in pairwise(seed.messages):
            if teller == "assistant":
                known = found.get(folded(told), frozenset())
                found[folded(told)] = known | aspects(asked)
    return found


def _question(messages: Turns) -> str:
    return next((content for role, content in messages if role == "user"), "")


def _asked(messages: Turns) -> list[str]:
    return [folded(content) for role, content in messages if role == "user"]


def folded(text: str) -> str:
    """Return a text with its case, punctuation and ё taken away, to be compared."""
    return " ".join(words(text)).replace("ё", "е")
