"""Dictionary readings of Russian words, looked up once a word."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymorphy3 import MorphAnalyzer
    from pymorphy3.analyzer import Parse

FUNCTION_WORDS = frozenset(("PREP", "CONJ", "PRCL", "INTJ", "NPRO"))
KEPT_WORDS = 50_000
_READABLE = re.compile(r"[A-Za-zА-Яа-яЁё0-9_-]+")


@cache
def _analyzer() -> MorphAnalyzer:
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@lru_cache(maxsize=KEPT_WORDS)
def readings(word: str) -> tuple[Parse, ...]:
    """Return the readings of a word, the likeliest first.

    One in another script than ours reads as a mark: the dictionary fails on letters without a name.
    """
    return tuple(_analyzer().parse(word if _READABLE.fullmatch(word) else "?"))


def is_function_word(word: str) -> bool:
    """Say whether a word only joins others: `и`, `под`, `я`; `не` is none, it turns a meaning."""
    first = readings(word)[0]
    return word != "не" and str(first.tag.POS) in FUNCTION_WORDS


@lru_cache(maxsize=KEPT_WORDS)
def lemma(word: str) -> str:
    """Return a word's dictionary form, `ё` as `е`."""
    form = readings(word)[0].normal_form if _READABLE.fullmatch(word) else word
    return str(form).replace("ё", "е")


def lemmas(text: str) -> tuple[str, ...]:
    """Return the dictionary forms of a text's own words, in their order.

    Function words and possessives of the person are left out, `не` and numbers are not.
    """
    words = re.findall(r"\w+", text.lower())
    found = (lemma(word) for word in words if not is_function_word(word))
    return tuple(form for form in found if form not in ("твой", "мой", "ваш", "наш", "свой"))
