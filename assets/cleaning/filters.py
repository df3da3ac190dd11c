"""Reasons to drop a whole dialogue: what one of its messages says, and what it is as a whole.

Cheapest first; the first reason stands.  A gate may let too much through and never too little.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from assets.cleaning import greetings, leftovers, refusals, repetition
from assets.cleaning.languages import language_of
from assets.cleaning.policy import Policy
from assets.cleaning.prose import prose
from assets.cleaning.rules import Candidate, DialogueRule, MessageRule
from lake.schemas import ROLES
from models import stock_phrases

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


# The commonest words of English: a third of prose, few of titles, names and code.
_ENGLISH = re.compile(
    r"\b(?:an?|the|is|are|was|were|be|been|has|have|of|and|or|but|to|in|on|at|by|for|from|with"
    r"|that|this|it|you|your|they|we|can|will|not|as)\b",
    re.I,
)
_ENGLISH_SHARE = 0.25
_CALLS_FOR_ANOTHER = re.compile(
    r"англ|english|перев[еоё]|translat|\bязык|\bпо-[а-яё]+ски\b|\b[a-z]+ [a-z]+\b", re.I
)


def foreign_answer(candidate: Candidate, policy: Policy) -> str | None:
    """Who asks in Russian is not answered in English, unless the question calls for it."""
    for question, answer in pairwise(candidate.messages):
        if (
            (question.role, answer.role) == ("user", "assistant")
            and _is_english_prose(answer.content, policy.min_foreign_words)
            and language_of(question.content) == "ru"
            and not _CALLS_FOR_ANOTHER.search(question.content)
        ):
            return "foreign_answer"
    return None


def _is_english_prose(text: str, min_words: int) -> bool:
    if language_of(text) != "en":
        return False
    words = re.findall(r"[A-Za-z']+", prose(text))
    common = _ENGLISH.findall(" ".join(words))
    return len(words) >= min_words and len(common) >= _ENGLISH_SHARE * len(words)


def _is_mixed(_policy: Policy) -> pl.Expr:
    import polars as pl

    return pl.col("language") == "mixed"


MESSAGE_RULES = (
    MessageRule(
        "chat_template",
        "templates of ChatML, Llama, Gemma, Vicuna, Alpaca and Baize",
        leftovers.TURN,
        leftovers.chat_template,
    ),
    MessageRule(
        "refusal",
        "`refusals.txt`; Saiga's substrings drop ordinary text too",
        stock_phrases.REFUSAL_GATE,
        refusals.refusal,
    ),
    MessageRule(
        "self_mention",
        "`self_mentions.txt`; FastChat drops every mention of OpenAI",
        stock_phrases.SELF_MENTION_GATE,
        refusals.self_mention,
    ),
    MessageRule("runs", "FastChat's `--reduce-rep`", repetition.RUNS, repetition.runs),
    MessageRule(
        "repetition",
        "Gopher: Rae et al. 2021, table A1",
        repetition.GATE,
        repetition.repetition,
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
    DialogueRule(
        "greeting",
        "the first lines of Baize's and Saiga's self-chat",
        greetings.may_only_greet,
        greetings.only_greets,
    ),
    DialogueRule(
        "foreign_answer", "Saiga's language errors, by function words", _is_mixed, foreign_answer
    ),
)
