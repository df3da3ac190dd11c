"""Loss on the person's own dialogues that no training saw: the measure of growth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.backends import ChatModel, Loss
from models.evaluation import Item, Result, Sample, Score
from models.evaluation.statistics import LEVEL, Interval, improvement, mean_loss

SUITE = "held_out"


def run(model: ChatModel, items: Sequence[Item], *, seed: int, suite: str = SUITE) -> Result:
    """Return nats a token over the assistant's words of each dialogue, and of all together."""
    losses = model.loss([item.messages for item in items])
    known = {item.item_id: x for item, x in zip(items, losses, strict=True) if x.tokens}
    mean = mean_loss(list(known.values()), seed=seed)
    coverage = len(known) / len(items) if items else 0.0
    score = Score(suite, "nats_per_token", mean.value, mean.low, mean.high, len(known), coverage)
    samples = tuple(_sample(item, suite, known) for item in items if item.item_id in known)
    return Result((score,) if known else (), samples, known)


def _sample(item: Item, suite: str, known: Mapping[str, Loss]) -> Sample:
    loss = known[item.item_id]
    said = item.prompt[-1]["content"]
    return Sample(suite, item.item_id, said, item.reference, "", loss.sum_nats / loss.tokens)


def compare(
    champion: Result, challenger: Result, *, seed: int, level: float = LEVEL
) -> tuple[Interval, int]:
    """Return the paired improvement in nats a token, and on how many dialogues it stands."""
    shared = sorted(champion.losses.keys() & challenger.losses.keys())
    before = [champion.losses[i] for i in shared]
    after = [challenger.losses[i] for i in shared]
    return improvement(before, after, seed=seed, level=level), len(shared)
