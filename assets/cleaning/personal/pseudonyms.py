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
from collections.abc import Sequence
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

    @property
    def shown(self) -> str:
        """Return placeholder and pseudonym, as `cleaned_findings` has them."""
        return f"{self.placeholder} {self.pseudonym}"


@dataclass(slots=True)
class Ledger:
    """The placeholders of one dialogue: the same thing gets the same one, a new thing the next.

    Numbers go on after those of the placeholders that stand in the texts already.
    """

    key: bytes
    scope: str
    texts: Sequence[str]
    given: dict[tuple[str, str], str] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def placeholder(self, word: str, normal: str) -> str:
        """Return what stands for this thing in this dialogue."""
        if (word, normal) not in self.given:
            number = self.last.get(word, 0) or _highest(self.texts, word)
            self.last[word] = number + 1
            self.given[word, normal] = f"[{word} {number + 1}]"
        return self.given[word, normal]

    def pseudonym(self, kind: str, normal: str) -> str:
        """Return the keyed id of a thing in this dialogue."""
        parts = "\0".join((kind, normal, self.scope)).encode("utf-8", "surrogatepass")
        return hmac.new(self.key, parts, hashlib.sha256).hexdigest()[:PSEUDONYM_HEX_DIGITS]


def _highest(texts: Sequence[str], word: str) -> int:
    mark = f"[{word} "
    found = re.compile(rf"\[{word} ([0-9]{{1,6}})\]")
    return max((int(n) for t in texts if mark in t for n in found.findall(t)), default=0)
