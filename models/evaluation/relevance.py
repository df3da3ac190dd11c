"""Does an answer belong to its question?  How the loss falls after the right one and after others.

An adapter taught with replies in the wrong places still learns which words the person uses: its
loss falls far below the base's, but after a wrong question as much as after the right one.  The
difference of the two is the information that question and answer share (Li et al. 2016, arXiv
1510.03055, choose replies by it).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from models.backends import ChatModel, Loss
from models.evaluation import Evaluation, Item, Result, Score
from models.evaluation.statistics import mean_loss

SUITE = "relevance"
OTHERS = 4
"""Wrong questions an answer is put after: their mean is twice as steady as one of them."""


def run(model: ChatModel, items: Sequence[Item], *, seed: int) -> Result:
    """Return nats a token of the answers after their own question (`right`) and others (`wrong`).

    The question is the last thing said before the answer; what was said before it stays.
    """
    asked = sorted((i for i in items if i.prompt), key=lambda item: item.item_id)
    pairs = list(_wrong(asked))
    if not pairs:
        return Result(())
    places = sorted({place for place, _ in pairs})
    right = model.loss([asked[place].messages for place in places])
    wrong = model.loss([_after(asked[place], asked[other]) for place, other in pairs])
    each = [[x for (p, _), x in zip(pairs, wrong, strict=True) if p == place] for place in places]
    return Result(
        (
            _score("right", right, seed),
            _score("wrong", [_mean(losses) for losses in each], seed),
        )
    )


def share(champion: Evaluation, challenger: Evaluation) -> float | None:
    """Return how much of the fall of the loss goes by the question: 1 all, 0 none of it.

    Falls are compared as factors: to a twelfth after the right question and to a quarter after
    others is 1 - ln 4 / ln 12.  None where it was not measured, or nothing fell.
    """
    found = [
        e.score(SUITE, metric) for metric in ("right", "wrong") for e in (champion, challenger)
    ]
    values = [max(score.value, 1e-6) for score in found if score]
    if len(values) < len(found) or values[1] >= values[0]:
        return None
    right, wrong = values[0] / values[1], values[2] / values[3]
    return 1 - math.log(wrong) / math.log(right)


def _wrong(asked: Sequence[Item]) -> Iterator[tuple[int, int]]:
    """Yield (item, item whose question it is put after), those that differ in both."""
    for place, item in enumerate(asked):
        for shift in range(1, min(OTHERS, len(asked) - 1) + 1):
            other = asked[place - shift]
            if item.prompt[-1] != other.prompt[-1] and item.reference != other.reference:
                yield place, (place - shift) % len(asked)


def _after(item: Item, other: Item) -> list[dict[str, str]]:
    return [*item.prompt[:-1], other.prompt[-1], dict(item.messages[-1])]


def _mean(losses: Sequence[Loss]) -> Loss:
    return Loss(sum(x.sum_nats for x in losses) / len(losses), losses[0].tokens)


def _score(metric: str, losses: Sequence[Loss], seed: int) -> Score:
    mean = mean_loss(losses, seed=seed)
    return Score(SUITE, metric, mean.value, mean.low, mean.high, len(losses))
