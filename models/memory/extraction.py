"""The facts of one dialogue, and why each of its other turns is none.

Two ways to read, one result.  `by_rules` is for the embedded base, which follows its own formats
and no instruction; `models.memory.reading` asks any other model in sentences, and takes of its
answer only what the person's own words carry.  In both:

- what the assistant says is nobody's fact, unless the person said yes to it, or the dialogue was
  taught: given as an example of what to answer, not said by the served model;
- a system message is never read, nor what was recalled into one: a memory that is extracted again
  from its own recall is how memories rot;
- questions, requests, small talk and whatever holds a secret are passed over.

Every turn ends remembered or with one reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models import stock_phrases
from models.memory import Observation
from models.memory.addressing import (
    speaks_of_the_speaker,
    speaks_to_the_person,
    to_the_person,
)
from models.memory.importance import importance
from models.memory.readings import lemmas, readings
from models.memory.statements import (
    ACKNOWLEDGING,
    PLACEHOLDER,
    is_acknowledgement,
    is_confirmation,
    is_question,
    is_unknown,
    sentences,
    stripped,
    why_not,
)
from models.primer import language as lang

CODE = "1"
"""Raised by hand when a rule's change alters what is remembered."""
NAMED = re.compile(r"^(?:ты|твоё имя|твое имя|по имени ты)(?: —)? ([А-ЯЁ][а-яё]+)$")
NAMES = ("Name", "Surn", "Patr", "Geox", "Orgn")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn that was read: its place, who spoke, what of it is remembered, or why nothing is."""

    position: int
    role: str
    facts: tuple[Observation, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """A dialogue as it is read.

    `messages` have `role`, `content` and, where it is known, `created_at`; `told_at` stands for
    the times that are not.  `taught` says that the answers are the person's own examples.
    """

    dialogue_id: str
    messages: Sequence[Mapping[str, Any]]
    told_at: datetime
    taught: bool

    def source(self, position: int) -> str:
        """Return the name of a turn, as memories keep it."""
        return f"{self.dialogue_id}/{position}"

    def moment(self, position: int) -> datetime:
        """Return when a turn was said: its time, else the last one before it that is known."""
        until = reversed(self.messages[: position + 1])
        return next((m["created_at"] for m in until if m.get("created_at")), self.told_at)

    def role(self, position: int) -> str:
        """Return who speaks in a turn; nobody outside the dialogue."""
        inside = 0 <= position < len(self.messages)
        return str(self.messages[position]["role"]) if inside else ""

    def text(self, position: int) -> str:
        """Return the words of a turn; none outside the dialogue."""
        inside = 0 <= position < len(self.messages)
        return str(self.messages[position]["content"]) if inside else ""

    def observation(self, position: int, fact: str, rating: int = 0) -> Observation:
        """Return a fact that a turn tells; `rating` is its importance where a model gave one."""
        at = self.moment(position)
        return Observation(fact, rating or importance(fact), at, (self.source(position),))


def by_rules(told: Told) -> list[Turn]:
    """Return every turn of a dialogue with the facts that the rules read in it."""
    read = {"user": _of_person, "assistant": _of_assistant}
    turns = []
    for position in range(len(told.messages)):
        role = told.role(position)
        facts, reason = read[role](told, position) if role in read else ([], role)
        found = tuple(told.observation(position, fact) for fact in facts)
        turns.append(Turn(position, role, found, "" if found else reason))
    return turns


def as_fact(sentence: str, *, hint: str = "") -> str:
    """Return a statement as it is remembered: turned to the person, bare, with a small letter."""
    said = small(to_the_person(stripped(sentence), hint=hint))
    return NAMED.sub(r"тебя зовут \1", said)


def small(text: str) -> str:
    """Return a text with a small first letter, unless it begins with a name or an abbreviation."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if (first.isupper() and len(first) > 1) or any(n in readings(first)[0].tag for n in NAMES):
        return text
    return lang.lower_first(text)


def _of_person(told: Told, position: int) -> tuple[list[str], str]:
    """Return the facts of a person's turn, or why it tells none."""
    answer = told.text(position + 1) if told.role(position + 1) == "assistant" else ""
    acknowledged = is_acknowledgement(answer)
    hint = ACKNOWLEDGING.sub("", answer) if acknowledged else ""
    facts, reasons = [], []
    for sentence in sentences(told.text(position)):
        reason = why_not(sentence, acknowledged=acknowledged)
        reasons.append(reason)
        if not reason:
            facts.append(as_fact(sentence, hint=hint))
    if "secret" in reasons:  # half of a secret is one too
        return [], "secret"
    return facts, next((reason for reason in reasons if reason), "empty")


def _of_assistant(told: Told, position: int) -> tuple[list[str], str]:
    """Return the facts of an answer: of one that was taught, or that the person said yes to."""
    text = told.text(position)
    if reason := _no_claim(text):
        return [], reason
    if told.taught:
        return _of_taught(told, position)
    if told.role(position + 1) != "user" or not is_confirmation(told.text(position + 1)):
        return [], "unconfirmed"
    return _of_claim(text, asked="")


def _no_claim(text: str) -> str:
    if is_acknowledgement(text):
        return "acknowledgement"
    if is_unknown(text):
        return "unknown"
    if stock_phrases.refuses(text) or stock_phrases.mentions_its_make(text):
        return "refusal"
    return "secret" if PLACEHOLDER.search(text) else ""


def _of_taught(told: Told, position: int) -> tuple[list[str], str]:
    """Return the fact of a taught answer, if its question was about the person."""
    asked = told.text(position - 1) if told.role(position - 1) == "user" else ""
    if not is_question(asked) and not speaks_of_the_speaker(asked):
        return [], "no_question"
    return _of_claim(told.text(position), asked=asked)


def _of_claim(text: str, *, asked: str) -> tuple[list[str], str]:
    said = list(sentences(text))
    if len(said) != 1:
        return [], "too_long"
    fact = small(said[0].strip().rstrip(".!… "))
    about_the_person = speaks_to_the_person(fact) or speaks_of_the_speaker(asked)
    reason = why_not(said[0], acknowledged=about_the_person)
    if reason or (speaks_of_the_speaker(fact) and not speaks_to_the_person(fact)):
        return [], reason or "assistant"
    return [fact], ""


def grounded(fact: str, words: str) -> bool:
    """Say whether every word of a fact's own was said by the person, in some form.

    A fact that a model wrote may turn and join what it read; it may not add to it.
    """
    return set(lemmas(fact)) <= set(lemmas(words)) | {"человек", "пользователь"}
