"""Which items the training has seen: taken out of every suite, counted, and told.

Finding them needs the training set and is done where tables are read (`assets.contamination`);
here is what was found, and what a suite that is mostly known is worth: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.evaluation import Item, Result, Sample, Score
from models.evaluation.statistics import wilson

SUITE = "contamination"


@dataclass(frozen=True, slots=True)
class Checked:
    """A suite's items after the check: `clean` ones, and how each of the others was seen.

    A suite of which too much was seen has no clean items left: it refuses to score.
    """

    clean: tuple[Item, ...]
    seen: Mapping[str, str]
    items: Mapping[str, Item]

    @property
    def n(self) -> int:
        """Return how many items were looked at."""
        return len(self.items)


def checked(items: Sequence[Item], seen: Mapping[str, str], *, max_share: float) -> Checked:
    """Return a suite without what was seen; without anything, where that is over `max_share`."""
    ours = {item.item_id: seen[item.item_id] for item in items if item.item_id in seen}
    clean = tuple(item for item in items if item.item_id not in ours)
    if items and len(ours) > max_share * len(items):
        clean = ()
    return Checked(clean, ours, {item.item_id: item for item in items})


def run(suites: Mapping[str, Checked]) -> Result:
    """Return the share seen of each suite, and every seen item with how it was seen."""
    scores, samples = [], []
    for name, suite in suites.items():
        share = wilson(len(suite.seen), suite.n)
        scores.append(Score(SUITE, name, share.value, share.low, share.high, suite.n))
        samples += [_sample(suite.items[i], name, how) for i, how in suite.seen.items()]
    return Result(tuple(scores), tuple(samples))


def _sample(item: Item, suite: str, how: str) -> Sample:
    asked = item.prompt[-1]["content"] if item.prompt else ""
    return Sample(SUITE, f"{suite}/{item.item_id}", asked, item.reference, how, 0.0)
