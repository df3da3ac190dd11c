"""Does an answer belong to its question?  What the question tells about it, in nats.

An adapter taught with replies in the wrong places still learns which words the person uses, and
its loss falls below the base's.  But to it a question says nothing about the answer: the loss of
the reference falls as much after another question.  The difference is the pointwise mutual
information of question and answer (Li et al. 2016, arXiv 1510.03055, use it to choose replies).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.backends import ChatModel
from models.evaluation import Item, Result, Score
from models.evaluation.statistics import improvement

SUITE = "relevance"


def run(model: ChatModel, items: Sequence[Item], *, seed: int) -> Result:
    """Return `nats_per_token` that the right question saves over the next item's, paired."""
    asked = sorted(items, key=lambda item: item.item_id)
    known = [i for i in range(len(asked)) if asked[i].prompt and _differ(asked, i)]
    if len(known) < 2:
        return Result(())
    wrong = model.loss([_with_question(asked[i], asked[i - 1]) for i in known])
    right = model.loss([asked[i].messages[-2:] for i in known])
    saved = improvement(wrong, right, seed=seed)
    coverage = len(known) / len(asked)
    score = Score(SUITE, "nats_per_token", saved.value, saved.low, saved.high, len(known), coverage)
    return Result((score,))


def _differ(asked: Sequence[Item], place: int) -> bool:
    one, other = asked[place], asked[place - 1]
    return bool(other.prompt) and one.prompt[-1] != other.prompt[-1]


def _with_question(item: Item, other: Item) -> list[dict[str, str]]:
    return [other.prompt[-1], dict(item.messages[-1])]
