"""What an adapter is worth: suites, one a file, all giving scores with intervals and samples.

    held_out       loss on the person's dialogues that were never trained on, paired
    relevance      does an answer belong to its question
    exact          greedy answers that equal the reference
    anchor         the base's own primer: what must not be forgotten
    skills         the anchor, skill by skill
    choices        questions with given answers, by likelihood and by generation
    pairwise       which of two models' answers a judge finds better
    health         empty, unfinished, repeating or foreign answers
    probe          is the adapter the one that was trained, and does serving it change anything
    contamination  which items the training has seen; they are in no other suite

A suite scores one model; `models.gate` compares two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.backends import Loss


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one suite: the value, its 95 % interval, n items, and the share answered.

    Where an interval makes no sense (a maximum, a yes or no) `low` and `high` equal `value`.
    """

    suite: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    coverage: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a suite: what was asked, what was expected, what came, and its score."""

    suite: str
    item_id: str
    prompt: str
    expected: str
    answer: str
    score: float


@dataclass(frozen=True, slots=True)
class Item:
    """A dialogue to be scored; its last message is the assistant's reference answer."""

    item_id: str
    messages: tuple[Mapping[str, str], ...]

    @property
    def prompt(self) -> list[dict[str, str]]:
        """Return everything before the reference answer."""
        return [dict(m) for m in self.messages[:-1]]

    @property
    def reference(self) -> str:
        """Return the reference answer."""
        return self.messages[-1]["content"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a suite found; `losses` by item id where the suite measures them."""

    scores: tuple[Score, ...]
    samples: tuple[Sample, ...] = ()
    losses: Mapping[str, Loss] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every suite's result for one model, and what that model is.

    `tokens` were written in answers, or read where a suite measures losses.  `trained_base_id` and
    `trained_template_id` are what the adapter's manifest names; those of a bare base are its own.
    """

    model_id: str
    base_id: str
    template_id: str
    results: Mapping[str, Result]
    trained_base_id: str
    trained_template_id: str
    held_out_split: str = "test"
    tokens: int = 0

    @property
    def scores(self) -> list[Score]:
        """Return every score, suite by suite."""
        return [score for result in self.results.values() for score in result.scores]

    @property
    def samples(self) -> list[Sample]:
        """Return every sample, suite by suite."""
        return [sample for result in self.results.values() for sample in result.samples]

    def score(self, suite: str, metric: str) -> Score | None:
        """Return one score, or None where it was not measured."""
        found = (s for s in self.scores if (s.suite, s.metric) == (suite, metric))
        return next(found, None)


def items_of(dialogues: Sequence[tuple[str, Sequence[Mapping[str, str]]]]) -> list[Item]:
    """Return items from (id, messages), cut after the last assistant turn; those without go."""
    items = []
    for item_id, messages in dialogues:
        last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=0)
        if last:
            items.append(Item(item_id, tuple(dict(m) for m in messages[: last + 1])))
    return items
