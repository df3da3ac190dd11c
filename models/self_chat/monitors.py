"""Signs of drift and of repetition in what a run of self-chat said, and the bounds on them.

They look at everything that was said, kept or not: a generator that collapses is seen by what
the filters throw away.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from models import stock_phrases
from models.evaluation.health import cyrillic
from models.self_chat import Seed, SelfChat, values
from models.self_chat.filters import folded, subjects, words

FILE = Path(__file__).with_name("bounds.toml")
NGRAM = 2


class Bounds(BaseModel):
    """The values of `bounds.toml`, which says what each means."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    min_distinct_2: float = Field(ge=0, le=1)
    min_topics: float = Field(ge=0)
    max_past: float = Field(ge=0, le=1)
    max_synthetic: float = Field(ge=0, le=1)
    max_refusals: float = Field(ge=0, le=1)
    min_russian: float = Field(ge=0, le=1)
    max_lost: float = Field(ge=0, le=1)
    min_begun: int = Field(ge=1)


@dataclass(frozen=True, slots=True)
class Signs:
    """What a run's words show; shares between 0 and 1, `topics` of the seeds' own entropy."""

    begun: int
    kept: int
    distinct_2: float
    topics: float
    past: float
    synthetic: float
    refusals: float
    russian: float

    @property
    def lost(self) -> float:
        """Return the share of the dialogues begun that were not kept."""
        return 1 - self.kept / self.begun if self.begun else 0.0


def load(path: Path | None = None) -> Bounds:
    """Return the shipped bounds, with the values of a file over them."""
    return values.load(Bounds, FILE, path)


def read(
    chats: Sequence[SelfChat],
    seeds: Sequence[Seed],
    *,
    asked_before: Iterable[str] = (),
    letters_of_people: int = 0,
    letters_of_models: int = 0,
) -> Signs:
    """Return the signs of a run.

    `letters_of_*` count what may teach already; what this run kept is added to the models' own.
    A question that a person asked in just these words is not the model's, and is not looked at.
    """
    borrowed = {folded(seed.question) for seed in seeds}
    said = [
        (role, text)
        for chat in chats
        for role, text in chat.messages
        if role != "system" and (role != "user" or folded(text) not in borrowed)
    ]
    asked = [folded(text) for role, text in said if role == "user"]
    answers = [text for role, text in said if role == "assistant"]
    earlier = {folded(text) for text in asked_before}
    kept = [chat for chat in chats if chat.kept]
    written = letters_of_models + sum(len(text) for chat in kept for _, text in chat.messages)
    return Signs(
        begun=len(chats),
        kept=len(kept),
        distinct_2=distinct([text for _, text in said]),
        topics=_share(entropy(asked), entropy(s.question for s in seeds)) if asked else 1.0,
        past=_mean(text in earlier for text in asked),
        synthetic=_share(written, written + letters_of_people),
        refusals=_mean(stock_phrases.refuses(text) for text in answers),
        russian=_mean(cyrillic(text) > 0.5 for _, text in said if text.strip()),
    )


def crossed(signs: Signs, bounds: Bounds) -> str:
    """Return the first bound that a run crossed with its figure, or an empty string."""
    if signs.begun < bounds.min_begun:
        return ""
    told = (
        ("distinct_2", signs.distinct_2, signs.distinct_2 < bounds.min_distinct_2),
        ("topics", signs.topics, signs.topics < bounds.min_topics),
        ("past", signs.past, signs.past > bounds.max_past),
        ("synthetic", signs.synthetic, signs.synthetic > bounds.max_synthetic),
        ("refusals", signs.refusals, signs.refusals > bounds.max_refusals),
        ("russian", signs.russian, signs.russian < bounds.min_russian),
        ("lost", signs.lost, signs.lost > bounds.max_lost),
    )
    return next((f"{name} {value:.3f}" for name, value, over in told if over), "")


def distinct(texts: Iterable[str], n: int = NGRAM) -> float:
    """Return the share of different n-grams of words; 1 where there is none (arXiv 1510.03055)."""
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        said = words(text)
        grams.update(zip(*(said[i:] for i in range(n)), strict=False))
    total = sum(grams.values())
    return len(grams) / total if total else 1.0


def entropy(questions: Iterable[str]) -> float:
    """Return the Shannon entropy, in bits, of the nouns that questions are about."""
    nouns = Counter(noun for question in questions for noun in subjects(question))
    total = sum(nouns.values())
    return -sum(n / total * math.log2(n / total) for n in nouns.values()) if total else 0.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _mean(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
