"""Which of two answers is better: both orders, ties, and how far a judge goes by the order.

Nothing is lost: an opinion that cannot be read is a judgement without a choice, its text kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from models.backends import Progress
from models.evaluation import Item, Result, Score
from models.evaluation.ratings import Match
from models.evaluation.statistics import paired

SUITE = "pairwise"
Choice = Literal["first", "second", "tie"]
POINTS: Mapping[Choice, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge said of two answers; no `choice` where that cannot be read as one.

    `tokens` are those it wrote, or weighed where it writes nothing; `seconds` what it took.
    """

    choice: Choice | None
    text: str
    tokens: int = 0
    seconds: float = field(default=0.0, compare=False)


class Judge(Protocol):
    """Whoever compares two answers: a model behind a URL, the base at hand, people."""

    @property
    def judge_id(self) -> str:
        """Return the name its opinions are kept under."""

    def judge(self, question: str, first: str, second: str, facts: Sequence[str] = ()) -> Opinion:
        """Return which answer is better; never raise, whatever the judge does.

        `facts` are what is known of the person who asked.
        """


@dataclass(frozen=True, slots=True)
class Judgement:
    """One opinion on one item in one order; `first` and `second` are model ids.

    `tokens` are what the opinion took (`Opinion`); a person's take none.
    """

    item_id: str
    first: str
    second: str
    judge: str
    choice: Choice | None
    text: str = ""
    tokens: int = 0

    @property
    def winner(self) -> str:
        """Return the better model's id, empty for a tie."""
        return {"first": self.first, "second": self.second}.get(self.choice or "tie", "")


@dataclass(frozen=True, slots=True)
class Bias:
    """How a judge's opinions go by the order; shares of those that could be read.

    `consistent` and `hard_flips` (the other model won) are shares of the `pairs` of which both
    orders could be read; `coverage` is the share read of all.
    """

    first: float
    second: float
    tie: float
    consistent: float
    hard_flips: float
    pairs: int
    coverage: float


def compare(
    items: Sequence[Item],
    answers: Mapping[str, Mapping[str, str]],
    judge: Judge,
    *,
    progress: Progress | None = None,
) -> list[Judgement]:
    """Return the judge's opinion on every item in both orders.

    `answers` are two models' answers by model id and item id; an item that one of them did not
    answer is compared with nothing said.
    """
    (one, ours), (other, theirs) = answers.items()
    found = []
    for done, item in enumerate(items, start=1):
        said = {one: ours.get(item.item_id, ""), other: theirs.get(item.item_id, "")}
        question = item.prompt[-1]["content"] if item.prompt else ""
        for first, second in ((one, other), (other, one)):
            told = judge.judge(question, said[first], said[second])
            shown = (item.item_id, first, second, judge.judge_id)
            found.append(Judgement(*shown, told.choice, told.text, told.tokens))
        if progress:
            progress(done, len(items))
    return found


def bias(judgements: Sequence[Judgement]) -> Bias:
    """Return how far the opinions go by the order in which the answers were shown."""
    read = [j for j in judgements if j.choice]
    shares = {c: sum(j.choice == c for j in read) / max(1, len(read)) for c in POINTS}
    both = [pair for pair in _pairs(read) if len(pair) == 2]
    same = sum(pair[0].winner == pair[1].winner for pair in both)
    flips = sum("" not in {j.winner for j in p} and p[0].winner != p[1].winner for p in both)
    n = max(1, len(both))
    coverage = len(read) / len(judgements) if judgements else 0.0
    return Bias(
        shares["first"], shares["second"], shares["tie"], same / n, flips / n, len(both), coverage
    )


def _pairs(judgements: Sequence[Judgement]) -> list[list[Judgement]]:
    """Return the judgements of one item, judge and pair of models together, one an order."""
    found: dict[tuple[object, ...], dict[str, Judgement]] = defaultdict(dict)
    for j in judgements:
        found[j.item_id, j.judge, frozenset((j.first, j.second))].setdefault(j.first, j)
    return [list(orders.values()) for orders in found.values()]


def win_rate(judgements: Sequence[Judgement], model: str, *, seed: int = 0) -> Result:
    """Return how often a model was found better, ties as halves, with its interval and bias.

    Items are resampled, both orders of an item together.  Coverage is the share of opinions that
    could be read.
    """
    points: dict[str, list[float]] = defaultdict(list)
    for j in judgements:
        if j.choice and model in (j.first, j.second):
            won = POINTS[j.choice]
            points[j.item_id].append(won if j.first == model else 1 - won)
    found, n = bias(judgements), len(points)
    means = [sum(p) / len(p) for _, p in sorted(points.items())]
    rate = paired(means, seed=seed)
    low, high = max(0.0, rate.low), min(1.0, rate.high)
    told = {"first": found.first, "consistent": found.consistent, "hard_flips": found.hard_flips}
    if n < 2:
        return Result((Score(SUITE, "win_rate", 0.5, 0.0, 1.0, n, found.coverage),))
    return Result(
        (
            Score(SUITE, "win_rate", rate.value, low, high, n, found.coverage),
            *(Score(SUITE, m, x, x, x, found.pairs, found.coverage) for m, x in told.items()),
        )
    )


def matches(judgements: Sequence[Judgement]) -> list[Match]:
    """Return what could be read as matches, for `models.evaluation.ratings`."""
    return [Match(j.first, j.second, POINTS[j.choice]) for j in judgements if j.choice]
