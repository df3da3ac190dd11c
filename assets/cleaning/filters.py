"""Reasons to drop a whole dialogue: what one of its messages says, and what it is as a whole.

Cheapest first; the first reason stands.  A gate may let too much through and never too little.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from assets.cleaning.policy import Policy
from assets.cleaning.rules import Candidate, DialogueRule, MessageRule
from lake.schemas import ROLES, Message

if TYPE_CHECKING:
    import polars as pl


def exchange(candidate: Candidate, _policy: Policy) -> str | None:
    """Somebody asks and somebody answers."""
    roles = {message.role for message in candidate.messages}
    if roles - set(ROLES):
        return "unknown_role"
    return None if {"user", "assistant"} <= roles else "no_exchange"


def _may_lack_an_exchange(_policy: Policy) -> pl.Expr:
    import polars as pl

    questions, answers = pl.col("questions"), pl.col("answers")
    return (questions == 0) | (answers == 0) | (pl.col("messages") > questions + answers)


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


def _has_an_odd_length(policy: Policy) -> pl.Expr:
    import polars as pl

    return (
        ~pl.col("characters").is_between(policy.min_characters, policy.max_characters)
        | (pl.col("answer_characters") < policy.min_answer_characters)
        | (pl.col("messages") > policy.max_messages)
    )


def language(candidate: Candidate, policy: Policy) -> str | None:
    """The policy's languages only."""
    return None if candidate.language in policy.languages else f"language_{candidate.language}"


def _is_foreign(policy: Policy) -> pl.Expr:
    import polars as pl

    return ~pl.col("language").is_in(policy.languages)


def _phrases() -> list[str]:
    found = (Path(__file__).parent / "refusals.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in found if line and not line.startswith("#")]


_REFUSAL = re.compile(rf"(?<!\w)(?:{'|'.join(_phrases())})")  # on lower-cased text
# Every phrase holds one of these.
_REFUSAL_SIGNS = (
    "модель", "интеллект", "как ии", "как ai", "не могу", "не буду", "не в состоянии",
    "противоречит", "ограничен", "нет доступа", "an ai", "language model", "an artificial",
    "sorry", "i can", "i am unable", "too many requests",
)  # fmt: skip


def refusal(message: Message, _policy: Policy) -> str | None:
    """No answer declines in a machine's stock phrases."""
    if message.role != "assistant":
        return None
    lowered = message.content.lower().replace("ё", "е").replace("\u2019", "'")
    return "refusal" if _REFUSAL.search(lowered) else None


MESSAGE_RULES = (
    MessageRule(
        "refusal",
        "`refusals.txt`; Saiga's substrings drop ordinary text too",
        f"(?i:{'|'.join(_REFUSAL_SIGNS)})",
        refusal,
    ),
)
DIALOGUE_RULES = (
    DialogueRule(
        "exchange",
        "supervised fine-tuning needs a question and its answer",
        _may_lack_an_exchange,
        exchange,
    ),
    DialogueRule("length", "FastChat's 16 characters, Saiga's 100,000", _has_an_odd_length, length),
    DialogueRule("language", "letters, see `languages.py`", _is_foreign, language),
)
