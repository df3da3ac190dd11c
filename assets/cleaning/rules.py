"""The four kinds of rule: a vectorised gate, and the work on the few rows that pass it.

A gate says at memory speed which rows may have work for a rule; the work is a plain function on
one message or one dialogue.  On ordinary Russian chat the gates let through a few rows in a
hundred: that is what makes cleaning fast while each rule stays a function that reads like one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assets.cleaning.policy import Policy
from lake.schemas import Message

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TextRule:
    """A repair of one message's text: its name, where it comes from, its gate, what it does.

    `gate` is a regular expression in the common part of Python's and Rust's syntax: no
    look-around, no back-references.  Where it finds nothing, `apply` changes nothing.
    """

    name: str
    source: str
    gate: str
    apply: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class MarkRule:
    """A fault that is shown and lowers the quality, and drops nothing: a glitch in an answer.

    `find` returns the faulty places of a text as short excerpts, none where it has no fault.
    """

    name: str
    source: str
    gate: str
    find: Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class MessageRule:
    """A reason to drop a dialogue that stands in one of its messages; `gate` as in `TextRule`."""

    name: str
    source: str
    gate: str
    reason: Callable[[Message, Policy], str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dialogue in alternation, with what was found out about it."""

    messages: tuple[Message, ...]
    language: str
    characters: int
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class DialogueRule:
    """A reason to drop a dialogue as a whole.

    `gate` is an expression over one row a dialogue: `characters`, `answer_characters`,
    `messages`, `questions`, `answers`, `offers` (counts), `language`, `quality`.
    """

    name: str
    source: str
    gate: Callable[[Policy], pl.Expr]
    reason: Callable[[Candidate, Policy], str | None]
