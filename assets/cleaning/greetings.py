"""Dialogues that are nothing but a greeting and an offer of help.

Self-chat data sets begin every dialogue with the same pair («Привет! – Привет! Чем я могу
помочь?», Baize's and Saiga's prompts).  Before a talk it does no harm; alone it teaches nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assets.cleaning.policy import Policy
from assets.cleaning.rules import Candidate

if TYPE_CHECKING:
    import polars as pl

OFFERS = r"(?i:помочь|быть полез|help|assist)"  # one of them stands in every offer
LONGEST = 120  # characters of an answer, on average; no offer of help is longer
_HELLO = (
    r"(?:привет(?:ствую)?|здравствуй(?:те)?|добрый (?:день|вечер)|доброе утро|доброго дня|хай"
    r"|hello|hi|hey)(?: (?:всем|снова|there))?[\s!.,)]{0,9}"
)
_GREETING = re.compile(_HELLO)
_OFFER = re.compile(
    rf"(?:{_HELLO})?(?:(?:чем|как) (?:я )?могу (?:вам |тебе )?(?:помочь|быть полез(?:ен|на))"
    r"|how (?:can|may) i (?:help|assist) you)(?: (?:вам|тебе|сегодня|today))?[\s?!.)]{0,9}"
)


def may_only_greet(_policy: Policy) -> pl.Expr:
    """Return which dialogues have short answers with an offer in one of them, or none at all."""
    import polars as pl

    offered = (pl.col("offers") > 0) | (pl.col("answers") == 0)
    return offered & (pl.col("answer_characters") <= LONGEST * pl.col("answers"))


def only_greets(candidate: Candidate, _policy: Policy) -> str | None:
    """Somebody says more than hello, or somebody offers more than help."""
    form = {"user": _GREETING, "assistant": _OFFER}
    said = (m for m in candidate.messages if m.role in form)
    greets = all(form[m.role].fullmatch(m.content.lower().strip()) for m in said)
    return "only_greeting" if greets else None
