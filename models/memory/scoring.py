"""Which of the found memories come first: recency, importance and relevance, each 0 to 1.

Generative Agents (Park et al. 2023, arXiv 2304.03442, §4.1): each of the three is min-max scaled
over the candidates, and their weighted sum ranks them; recency decays by a factor of 0.995 for
every hour since the last use.  The published code decays by the rank of last access instead, and
ranks the oldest first, so that the oldest memory counts as the most recent; this does not.

In the paper all weights are 1, in its code 0.5, 3 and 2 (recency, relevance, importance).  The
settings `memory.*` have ours, measured on facts that were told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

DECAY_PER_HOUR = 0.995
SAME = 0.5
"""The scaled value where all candidates are equal, as in the published code."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each of the three counts."""

    recency: float
    importance: float
    relevance: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a search found: when it was last used, 1 to 10, and the search's own score."""

    last_used_at: datetime
    importance: float
    relevance: float


@dataclass(frozen=True, slots=True)
class Score:
    """The three parts, each 0 to 1 over the candidates, and their weighted mean."""

    score: float
    recency: float
    importance: float
    relevance: float


def score(
    candidates: Sequence[Candidate],
    now: datetime,
    weights: Weights,
    *,
    decay_per_hour: float = DECAY_PER_HOUR,
) -> list[Score]:
    """Return the score of each candidate, in their order.

    The weighted sum is divided by the sum of the weights: the order is the paper's, and 1 is the
    best there can be.
    """
    recency = scaled([decayed(c.last_used_at, now, decay_per_hour) for c in candidates])
    importance = scaled([c.importance for c in candidates])
    relevance = scaled([c.relevance for c in candidates])
    whole = (weights.recency + weights.importance + weights.relevance) or 1.0
    return [
        Score(
            (weights.recency * r + weights.importance * i + weights.relevance * v) / whole, r, i, v
        )
        for r, i, v in zip(recency, importance, relevance, strict=True)
    ]


def decayed(last_used_at: datetime, now: datetime, decay_per_hour: float) -> float:
    """Return how recent a use is, 0 to 1: the decay to the power of the hours since it."""
    hours = max(0.0, (now - last_used_at).total_seconds() / SECONDS_PER_HOUR)
    return float(decay_per_hour**hours)


def scaled(values: Sequence[float]) -> list[float]:
    """Return values scaled to 0..1 by their least and greatest; one half where all are equal."""
    if not values:
        return []
    least, most = min(values), max(values)
    if most == least:
        return [SAME] * len(values)
    return [(value - least) / (most - least) for value in values]
