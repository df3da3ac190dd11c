"""Placeholders: what stands in a text where personal data stood.

`[телефон 1]` is the first phone of a dialogue.  A number says which of them is meant and nothing
else: it cannot be joined with another dialogue's nor guessed back, equal dialogues stay equal
(so duplicates are found), and a model learns to write a form that a person can fill, where
random digits would be noise that it must learn by heart.  Whoever has the key finds a known
number again by its keyed pseudonym, which is kept with the finding and never in the text.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PSEUDONYM_HEX_DIGITS = 16  # 64 bits: of a million things in one dialogue no two share one


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data found in a message; never the words themselves.

    `position` is the message's place in its dialogue.  `pseudonym` is keyed and holds within
    one dialogue: the same thing in another dialogue has another one.
    """

    position: int
    kind: str
    placeholder: str
    pseudonym: str


@dataclass(slots=True)
class Ledger:
    """The placeholders of one dialogue: the same thing gets the same one, a new thing the next."""

    key: bytes
    scope: str
    given: dict[tuple[str, str], str] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    @classmethod
    def over(cls, texts: Sequence[str], words: Iterable[str], *, key: bytes, scope: str) -> Ledger:
        """Return a ledger that goes on after the placeholders which stand in the texts already."""
        return cls(key, scope, last={word: _highest(texts, word) for word in words})

    def placeholder(self, word: str, normal: str) -> str:
        """Return what stands for this thing in this dialogue."""
        if (word, normal) not in self.given:
            self.last[word] += 1
            self.given[word, normal] = f"[{word} {self.last[word]}]"
        return self.given[word, normal]

    def pseudonym(self, kind: str, normal: str) -> str:
        """Return the keyed id of a thing in this dialogue."""
        parts = "\0".join((kind, normal, self.scope)).encode("utf-8", "surrogatepass")
        return hmac.new(self.key, parts, hashlib.sha256).hexdigest()[:PSEUDONYM_HEX_DIGITS]


def _highest(texts: Sequence[str], word: str) -> int:
    mark = f"[{word} "
    found = re.compile(rf"\[{word} ([0-9]{{1,6}})\]")
    return max((int(n) for t in texts if mark in t for n in found.findall(t)), default=0)
