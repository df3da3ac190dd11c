"""The language of a dialogue by its letters.

Short chat lines break every statistical identifier; letters do not.  A share of Cyrillic of .35
finds .998 of Russian messages, and letters foreign to Russian veto its neighbours (measured on
lines of 15 characters and fewer; fastText's lid.176 finds .981, lingua .915).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

MIN_CYRILLIC_SHARE = 0.35
MIN_PURE_SHARE = 0.65  # below it a Russian dialogue is `mixed`: code, names, terms
# A quoted foreign word does not make a dialogue foreign: Ukrainian, Belarusian, Serbian and
# Kazakh prose has 6 % and more of its letters among these.
MAX_FOREIGN_SHARE = 0.04
MIN_PLAIN_SHARE = 0.95  # German, French and Polish have more accented letters than one in twenty

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.S)
# Letters are counted in windows-1251, where a byte is a letter and counting is deleting: eight
# times as fast as patterns.  What that code page lacks is counted one by one.
_CODE_PAGE = "cp1251"
_PAGE_LETTERS = "".join(c for c in bytes(range(256)).decode(_CODE_PAGE, "ignore") if c.isalpha())
_RUSSIAN = re.sub(r"[^А-Яа-яЁё]", "", _PAGE_LETTERS).encode(_CODE_PAGE)
_FOREIGN = re.sub(r"[А-Яа-яЁёA-Za-zµ]", "", _PAGE_LETTERS).encode(_CODE_PAGE)
_LATIN = re.sub(r"[^A-Za-z]", "", _PAGE_LETTERS).encode(_CODE_PAGE)
_OUTSIDE = re.compile(rf"[^\W\d_{_PAGE_LETTERS}]")


@dataclass(slots=True)
class _Letters:
    """How many letters a text has: Russian, other Cyrillic, plain Latin, and all the rest."""

    russian: int
    foreign: int
    latin: int
    others: int = 0

    @property
    def cyrillic(self) -> int:
        return self.russian + self.foreign

    @property
    def all(self) -> int:
        return self.cyrillic + self.latin + self.others


def language_of(text: str) -> str:
    """Return `ru`, `mixed` (Russian with much Latin), `cyrillic`, `en`, `other` or `unknown`.

    `cyrillic` is any other Cyrillic language, `en` any text in plain Latin letters, `unknown`
    a text without letters.  Code and addresses do not count, unless there is nothing else.
    """
    letters = _letters(text)
    if "`" in text or "://" in text:
        prose = _letters(_CODE.sub(" ", text))
        letters = prose if prose.all else letters
    if not letters.all:
        return "unknown"
    if letters.cyrillic >= MIN_CYRILLIC_SHARE * letters.all:
        return _cyrillic_language(letters)
    return "en" if letters.latin >= MIN_PLAIN_SHARE * letters.all else "other"


def plainly_russian(column: str) -> pl.Expr:
    """Return where a column's text has Russian letters and no others: true only for `ru`."""
    import polars as pl

    text = pl.col(column).str
    return ~text.contains(r"[\p{L}--[А-Яа-яЁё]]") & text.contains("[А-Яа-яЁё]")


def _cyrillic_language(letters: _Letters) -> str:
    if letters.foreign > MAX_FOREIGN_SHARE * letters.cyrillic:
        return "cyrillic"
    return "ru" if letters.cyrillic >= MIN_PURE_SHARE * letters.all else "mixed"


def _letters(text: str) -> _Letters:
    page = text.encode(_CODE_PAGE, "ignore")
    found = _Letters(*(_count(page, kind) for kind in (_RUSSIAN, _FOREIGN, _LATIN)))
    if len(page) < len(text):
        outside = [sign for sign in _OUTSIDE.findall(text) if sign.isalpha()]
        cyrillic = sum("\u0400" <= letter <= "\u052f" for letter in outside)
        found.foreign += cyrillic
        found.others = len(outside) - cyrillic
    return found


def _count(page: bytes, kind: bytes) -> int:
    return len(page) - len(page.translate(None, kind))
