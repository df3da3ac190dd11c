"""Intervals: Wilson's for shares, the paired bootstrap for losses.  All are 95 %."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.backends import Loss

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
RESAMPLES = 2_000
"""Bootstrap draws: the ends of a 95 % interval are then stable to about 1 % of its width."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


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


def improvement(before: Sequence[Loss], after: Sequence[Loss], *, seed: int) -> Interval:
    """Return how many nats a token `after` is better than `before` on the same dialogues.

    Positive is better.  The value is total nats saved over total tokens; the interval is the
    percentile bootstrap over dialogues (Efron 1979), both models drawn together, by seed.
    """
    import numpy as np

    if not before or len(before) != len(after):
        return Interval(float("nan"), float("-inf"), float("inf"))
    saved = np.array([b.sum_nats - a.sum_nats for b, a in zip(before, after, strict=True)])
    tokens = np.array([b.tokens for b in before], dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(saved), size=(RESAMPLES, len(saved)))
    ratios = saved[drawn].sum(axis=1) / np.maximum(tokens[drawn].sum(axis=1), 1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Interval(float(saved.sum() / max(tokens.sum(), 1)), float(low), float(high))
