"""The language of a dialogue by its letters.

Short chat lines break every statistical identifier; letters do not.  A share of Cyrillic of .35
finds .998 of Russian messages, and letters foreign to Russian veto its neighbours (measured on
Tatoeba-like lines of 15 characters; fastText's lid.176 finds .981, lingua .915).
"""

from __future__ import annotations

import re

MIN_CYRILLIC_SHARE = 0.35
MIN_PURE_SHARE = 0.65  # below it a Russian dialogue is `mixed`: code, names, terms
# A quoted foreign word does not make a dialogue foreign: Ukrainian, Belarusian, Serbian and
# Kazakh prose has 6 % and more of its letters among these.
MAX_FOREIGN_SHARE = 0.04

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.S)
_CYRILLIC = re.compile(r"[\u0400-\u052f]+")
_RUSSIAN = re.compile(r"[А-Яа-яЁё]+")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """Return `ru`, `mixed` (Russian with much Latin), `cyrillic`, `en`, `other` or `unknown`.

    `cyrillic` is any other Cyrillic language, `en` any text in plain Latin letters, `unknown`
    a text without letters.
    """
    if "`" in text or "://" in text:
        text = _CODE.sub(" ", text) if _WORD.search(_CODE.sub(" ", text)) else text
    russian, latin = _letters(_RUSSIAN, text), _letters(_LATIN, text)
    if text.isascii():
        return "en" if latin else "unknown"
    cyrillic, letters = _letters(_CYRILLIC, text), _letters(_WORD, text)
    if not letters:
        return "unknown"
    if cyrillic >= MIN_CYRILLIC_SHARE * letters:
        if cyrillic - russian > MAX_FOREIGN_SHARE * cyrillic:
            return "cyrillic"
        return "ru" if cyrillic >= MIN_PURE_SHARE * letters else "mixed"
    return "en" if latin >= MIN_PURE_SHARE * letters and _is_plain(text) else "other"


def _letters(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))


def _is_plain(text: str) -> bool:
    """Return whether at most one Latin letter in fifty has an accent."""
    latin = "".join(_LATIN.findall(text))
    return sum(not sign.isascii() for sign in latin) * 50 <= len(latin)
