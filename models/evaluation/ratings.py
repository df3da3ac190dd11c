"""Ratings from pairwise judgements: Elo over many orders, and Bradley-Terry with bootstrap.

Elo depends on the order of the matches, so it is played in thousands of random orders and
averaged, as the QLoRA paper does (Dettmers et al. 2023, §5.3).  Its published Vicuna column comes
out with K = 4, FastChat's default, and not with the 32 that the paper states; the Open Assistant
column comes out with 32.  Bradley-Terry (1952) needs no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

K = 4.0  # FastChat's `elo_analysis`
START = 1000.0
SCALE = 400.0  # of ten to one odds, Elo 1978
PERMUTATIONS = 10_000
BOOTSTRAP = 1_000
ROUNDS = 10_000  # of Hunter's iteration; tens are enough unless hardly anybody met
TOLERANCE = 1e-9


class Match(NamedTuple):
    """Two players and what the first one got: 1 for a win, 0.5 for a tie, 0."""

    first: str
    second: str
    score: float


@dataclass(frozen=True, slots=True)
class Rating:
    """A player's rating with its 95 % interval, over `matches` matches."""

    player: str
    value: float
    low: float
    high: float
    matches: int


def elo_in_order(
    matches: Sequence[Match], *, k: float = K, start: float = START
) -> dict[str, float]:
    """Return the ratings after these matches, one after another."""
    ratings: dict[str, float] = {}
    for first, second, score in matches:
        ours, theirs = ratings.setdefault(first, start), ratings.setdefault(second, start)
        gained = k * (score - 1 / (1 + 10 ** ((theirs - ours) / SCALE)))
        ratings[first], ratings[second] = ours + gained, theirs - gained
    return ratings


def elo(
    matches: Sequence[Match],
    *,
    k: float = K,
    start: float = START,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> list[Rating]:
    """Return the mean rating over random orders, best first; the interval is of one order.

    All orders are played at once, a match of each at a time.
    """
    import numpy as np

    players, first, second, score = _arrays(matches)
    orders = np.tile(np.arange(len(matches), dtype=np.int32), (permutations, 1))
    orders = np.ascontiguousarray(np.random.default_rng(seed).permuted(orders, axis=1).T)
    ratings = np.full((permutations, len(players)), start)
    runs = np.arange(permutations)
    for order in orders:
        ours, theirs = ratings[runs, first[order]], ratings[runs, second[order]]
        gained = k * (score[order] - 1 / (1 + 10 ** ((theirs - ours) / SCALE)))
        ratings[runs, first[order]] = ours + gained
        ratings[runs, second[order]] = theirs - gained
    return _told(players, ratings.mean(axis=0), ratings, first, second)


def bradley_terry(
    matches: Sequence[Match], *, start: float = START, bootstrap: int = BOOTSTRAP, seed: int = 0
) -> list[Rating]:
    """Return ratings on Elo's scale, best first, their mean at `start`; matches are resampled.

    A tie is half a win for both.  Who won or lost every match has no finite rating; half a
    virtual tie with everybody they met keeps it finite, and moves the others by less than a point
    once each has met the others a hundred times.
    """
    import numpy as np

    players, first, second, score = _arrays(matches)
    cells, counts = np.unique(
        np.stack([first, second, (2 * score).astype(np.int64)]), axis=1, return_counts=True
    )
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(matches), counts / len(matches), size=bootstrap)
    found = _strengths(np.vstack([counts, drawn]), cells, len(players))
    ratings = SCALE * np.log10(found)
    ratings += start - ratings.mean(axis=1, keepdims=True)
    return _told(players, ratings[0], ratings[1:], first, second)


def _strengths(counts: np.ndarray, cells: np.ndarray, players: int) -> np.ndarray:
    """Return the maximum-likelihood strengths of each row of counts, by Hunter's MM (2004)."""
    import numpy as np

    first, second, halves = cells
    wins = np.zeros((len(counts), players, players))
    for number in range(cells.shape[1]):
        one, other = first[number], second[number]
        wins[:, one, other] += counts[:, number] * halves[number] / 2
        wins[:, other, one] += counts[:, number] * (2 - halves[number]) / 2
    games = wins + wins.transpose(0, 2, 1)
    met = games[:1] > 0
    undecided = ((wins.sum(axis=2) == 0) | (wins.sum(axis=1) == 0)).any(axis=1)
    wins += VIRTUAL * met * undecided[:, None, None]
    games = wins + wins.transpose(0, 2, 1)
    strengths = np.ones((len(counts), players))
    for _ in range(ROUNDS):
        shares = games / (strengths[:, :, None] + strengths[:, None, :])
        better = wins.sum(axis=2) / np.maximum(shares.sum(axis=2), 1e-300)
        better /= np.exp(np.log(better).mean(axis=1, keepdims=True))
        moved = np.abs(better / strengths - 1).max()
        strengths = better
        if moved < TOLERANCE:
            break
    return strengths


VIRTUAL = 0.25  # half a tie


def _arrays(
    matches: Sequence[Match],
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    import numpy as np

    players = sorted({name for match in matches for name in match[:2]})
    place = {name: number for number, name in enumerate(players)}
    first = np.array([place[m.first] for m in matches], np.int64)
    second = np.array([place[m.second] for m in matches], np.int64)
    return players, first, second, np.array([m.score for m in matches], float)


def _told(
    players: list[str],
    values: np.ndarray,
    drawn: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
) -> list[Rating]:
    import numpy as np

    played = np.bincount(np.concatenate([first, second]), minlength=len(players))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0) if len(drawn) else (values, values)
    ratings = [
        Rating(name, float(values[n]), float(low[n]), float(high[n]), int(played[n]))
        for n, name in enumerate(players)
    ]
    return sorted(ratings, key=lambda r: (-r.value, r.player))
