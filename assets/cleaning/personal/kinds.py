"""What a kind of personal data is: a gate, and a function that finds its places in a text.

A gate is a regular expression in the common part of Python's and Rust's syntax, so that the
engine asks it of a column at once.  Where it finds nothing, `find` finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DIGIT = "[0-9]"  # a gate that Rust looks for at the speed of memory
# The gates of numbers: so many digits in a text, whatever stands between them.  No telephone has
# fewer than five, no document fewer than a foreign passport.
FIVE_DIGITS, NINE_DIGITS = "(?:[0-9][^0-9]*){5}", "(?:[0-9][^0-9]*){9}"
# What a person types between the digits of one number: blanks, brackets, a dot, any dash.
SEPARATOR = r"[ \u00a0\u202f().\u2010-\u2015-]{0,3}"
# A number of a document begins and ends here: not inside a longer number, a fraction, an
# address on the web or a Latin word; a Russian word may touch it ("СНИЛС112-233-445 95").
# `BEGIN` stands behind the first digit, so that `re` runs from digit to digit.
BEGIN = r"(?<![0-9A-Za-z_.,/#+$€*-].)"
END = r"(?![\w*/]|[.,\u2010-\u2015-][0-9])"
CONTEXT_CHARACTERS = 60  # how far before a number its name may stand: about ten words
AFTER_CHARACTERS = 16  # how far behind: "4510 123456 (паспорт)"

# A placeholder, whole or cut by the bounds of the context: its word is ours, nobody said it.
_PLACEHOLDER = re.compile(r"\[\w+(?: [0-9]*)?(?:\]|\Z)|\A\w* ?[0-9]+\]")
# The word before a number says that it is a thing's: an order's, a parcel's, a payment's.
_THINGS = re.compile(
    r"(?<!\w)(?:заказ|артикул|artikul|трек|накладн|квитанц|чек|инвойс|лот|код|id|imei|isbn"
    r"|ean|штрихкод|серийн|полис|парти)\w*[^\w\n]*(?:(?:номер|код|товар|id)\w*[^\w\n]*)*\Z"
)


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


def context(text: str, start: int, before: str = "") -> str:
    """Return the lower-cased words before a place, and the end of the message before it."""
    here = text[max(0, start - CONTEXT_CHARACTERS) : start]
    return f"{_said(before[-CONTEXT_CHARACTERS:])}\n{_said(here)}".lower()


def surroundings(text: str, start: int, end: int, before: str) -> str:
    """Return the context of a place, and the few words of its line that follow it."""
    after = text[end : end + AFTER_CHARACTERS].partition("\n")[0]
    return f"{context(text, start, before)} {_said(after).lower()}"


def _said(words: str) -> str:
    return _PLACEHOLDER.sub("", words)


def is_of_a_thing(text: str, start: int) -> bool:
    """Say whether the word before a number tells that it is an order's, not a person's."""
    return _THINGS.search(context(text, start)) is not None
