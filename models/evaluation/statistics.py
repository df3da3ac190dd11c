"""Intervals: Wilson's for shares, the paired bootstrap for what two models did on the same items.

All are 95 % unless another level is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.backends import Loss

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.95
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
RESAMPLES = 2_000
"""Bootstrap draws: the standard error is then known to 1.6 % (1 / sqrt(2 draws))."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(float("nan"), float("-inf"), float("inf"))


def wilson(successes: int, n: int) -> Interval:
    """Return a share with Wilson's score interval (1927), right near 0 and 1 and for small n."""
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    share, square = successes / n, Z * Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def mean_loss(losses: Sequence[Loss], *, seed: int) -> Interval:
    """Return nats a token over all dialogues; dialogues are resampled, not tokens."""
    zeros = [Loss(0.0, loss.tokens) for loss in losses]
    return improvement(losses, zeros, seed=seed)


def improvement(
    before: Sequence[Loss], after: Sequence[Loss], *, seed: int, level: float = LEVEL
) -> Interval:
    """Return how many nats a token `after` is better than `before` on the same dialogues.

    Positive is better.  The value is total nats saved over total tokens.
    """
    if len(before) != len(after):
        return UNKNOWN
    saved = [b.sum_nats - a.sum_nats for b, a in zip(before, after, strict=True)]
    return paired(saved, [b.tokens for b in before], seed=seed, level=level)


def paired(
    differences: Sequence[float],
    weights: Sequence[float] | None = None,
    *,
    seed: int,
    level: float = LEVEL,
) -> Interval:
    """Return the sum of the differences over the sum of the weights, with its interval.

    Items are resampled with both models' results together; the ends stand Student's t standard
    errors of the bootstrap away (Efron and Tibshirani 1993, chapters 6 and 12.5), n - 1 degrees of
    freedom and the n / (n - 1) that the bootstrap's variance lacks (Hesterberg 2015, arXiv
    1411.5279 §3).  Unlike percentiles this holds for ten items, and at any level from the same
    draws.  Fewer than two items tell nothing.
    """
    import numpy as np
    from scipy.special import stdtrit

    n = len(differences)
    if n < 2:
        return UNKNOWN
    saved = np.asarray(differences, float)
    weight = np.ones(n) if weights is None else np.asarray(weights, float)
    value = float(_ratio(saved, weight))
    drawn = np.random.default_rng(seed).integers(0, n, size=(RESAMPLES, n), dtype=np.int32)
    error = float(_ratio(saved[drawn], weight[drawn]).std(ddof=1)) * math.sqrt(n / (n - 1))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * error
    return Interval(value, value - half, value + half)


def _ratio(differences: np.ndarray, weights: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(differences.sum(axis=-1) / np.maximum(weights.sum(axis=-1), 1e-9))
