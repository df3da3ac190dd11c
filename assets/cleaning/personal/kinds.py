"""What a kind of personal data is: a gate, and a function that finds its places in a text.

A gate is a regular expression in the common part of Python's and Rust's syntax, so that the
engine asks it of a column at once.  Where it finds nothing, `find` finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What a person types between the digits of one number: blanks, brackets, a dot, any dash.
SEPARATOR = r"[ \u00a0\u202f().\u2010-\u2015-]{0,3}"
CONTEXT_CHARACTERS = 60  # how far before a number its name may stand: about ten words


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text; `normal` is the same for every writing of the same thing."""

    start: int
    end: int
    normal: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of personal data: its name in tables, its word in placeholders, and how it is found.

    `find` gets a text and what was said just before it: "Ваш ИНН?" names the number that the
    next message holds.
    """

    name: str
    word: str
    gate: str
    find: Callable[[str, str], Iterator[Span]]


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return re.sub(r"[^0-9]", "", text)


def context(text: str, start: int, before: str) -> str:
    """Return the lower-cased words before a place, and the end of the message before it."""
    here = text[max(0, start - CONTEXT_CHARACTERS) : start]
    return f"{before[-CONTEXT_CHARACTERS:]}\n{here}".lower()
