"""Where the primer's chance comes from: one seeded stream, and the words that may be drawn.

`words.txt` holds nouns and adjectives sampled once from pymorphy3's dictionary (OpenCorpora),
in two parts.  Training dialogues draw from `train` only and held-out dialogues from `held_out`
only, so a held-out fact is made of words that no training dialogue contains.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from models.primer import language

Split = Literal["train", "held_out"]
T = TypeVar("T")
WORDS_FILE = Path(__file__).with_name("words.txt")


@cache
def word_lists() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the sampled words by (kind, split); kinds are `anim`, `inan` and `adjective`."""
    lists: dict[tuple[str, str], list[str]] = {}
    words: list[str] = []
    for line in WORDS_FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind, split = line.strip("[]").split()
            words = lists.setdefault((kind, split), [])
        else:
            words.extend(line.split())
    return {key: tuple(value) for key, value in lists.items()}


@dataclass(frozen=True, slots=True)
class Draw:
    """A seeded stream of choices over one split of the word list."""

    rng: random.Random
    split: Split

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[int(self.rng.random() * len(options))]

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.rng.random() < probability

    def number(self, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        return low + int(self.rng.random() * (high - low + 1))

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """Return `count` different options."""
        return self.rng.sample(options, count)

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """Return one of the options by weight."""
        return self.rng.choices(options, weights)[0]

    def thing(self) -> str:
        """Return a sampled inanimate noun of this split."""
        return self.choice(word_lists()["inan", self.split])

    def being(self) -> str:
        """Return a sampled animate noun of this split."""
        return self.choice(word_lists()["anim", self.split])

    def adjective(self) -> str:
        """Return a sampled adjective of this split, masculine nominative."""
        return self.choice(word_lists()["adjective", self.split])

    def nickname(self) -> str:
        """Return a made-up name: a sampled noun with a capital letter."""
        return language.capital(self.thing())
