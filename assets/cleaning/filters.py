"""Rules on a whole dialogue: each returns the reason to drop it, or None.

They run in the order of `FILTERS`, cheapest first; the first reason stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assets.cleaning.policy import Policy
from lake.schemas import ROLES, Message


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dialogue in alternation, with the language found in it."""

    messages: tuple[Message, ...]
    language: str
    characters: int


@dataclass(frozen=True, slots=True)
class Filter:
    """A rule on dialogues: its name, where it comes from, and what it asks."""

    name: str
    source: str
    reason: Callable[[Candidate, Policy], str | None]


def exchange(candidate: Candidate, _policy: Policy) -> str | None:
    """Somebody asks and somebody answers."""
    roles = {message.role for message in candidate.messages}
    if roles - set(ROLES):
        return "unknown_role"
    return None if {"user", "assistant"} <= roles else "no_exchange"


def length(candidate: Candidate, policy: Policy) -> str | None:
    """Neither a stub nor a whole history."""
    if candidate.characters < policy.min_characters:
        return "too_short"
    answers = sum(len(m.content) for m in candidate.messages if m.role == "assistant")
    if answers < policy.min_answer_characters:
        return "too_short"
    if len(candidate.messages) > policy.max_messages:
        return "too_many_messages"
    return "too_long" if candidate.characters > policy.max_characters else None


def language(candidate: Candidate, policy: Policy) -> str | None:
    """The policy's languages only."""
    return None if candidate.language in policy.languages else f"language_{candidate.language}"


def _phrases() -> list[str]:
    found = (Path(__file__).parent / "refusals.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in found if line and not line.startswith("#")]


_REFUSAL = re.compile(rf"(?<!\w)(?:{'|'.join(_phrases())})")  # on lower-cased text
# Every phrase holds one of these: most answers pass after a dozen substring searches.
_REFUSAL_SIGNS = (
    "модель", "интеллект", "как ии", "как ai", "не могу", "не буду", "не в состоянии",
    "противоречит", "ограничен", "нет доступа", "an ai", "language model", "an artificial",
    "sorry", "i can", "i am unable", "too many requests",
)  # fmt: skip


def refusal(candidate: Candidate, _policy: Policy) -> str | None:
    """No answer declines in a machine's stock phrases."""
    for message in candidate.messages:
        if message.role == "assistant" and _declines(message.content):
            return "refusal"
    return None


def _declines(text: str) -> bool:
    lowered = text.lower()
    if not any(sign in lowered for sign in _REFUSAL_SIGNS):
        return False
    return _REFUSAL.search(lowered.replace("ё", "е").replace("\u2019", "'")) is not None


FILTERS = (
    Filter("exchange", "supervised fine-tuning needs a question and its answer", exchange),
    Filter("length", "FastChat's 16 characters, Saiga's 100,000", length),
    Filter("language", "letters, see `languages.py`", language),
    Filter("refusal", "`refusals.txt`; Saiga's substrings drop ordinary text too", refusal),
)
