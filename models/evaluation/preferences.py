"""Does a model prefer what people preferred?  Pairs of answers, by likelihood.

A preference method never sees a text sampled from the model, so neither does this measure: each
answer's log-likelihood after its prompt, chosen less rejected, before training and after.  What
DPO calls its reward accuracy is `raised`; `preferred` is the plainer question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.backends import ChatModel
from models.evaluation.statistics import Interval, paired


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one prompt, of which the first was preferred."""

    item_id: str
    prompt: tuple[Mapping[str, str], ...]
    chosen: str
    rejected: str

    def answered(self, answer: str) -> list[dict[str, str]]:
        """Return the prompt with an answer."""
        return [*map(dict, self.prompt), {"role": "assistant", "content": answer}]


@dataclass(frozen=True, slots=True)
class Preferred:
    """One pair's margins: nats by which the chosen answer is likelier, before and after."""

    item_id: str
    before: float
    after: float

    @property
    def raised(self) -> float:
        """Return 1 where training raised the chosen answer over the rejected, .5 for no change."""
        return _more(self.after, self.before)

    @property
    def gained(self) -> float:
        """Return 1 where the chosen answer is the likelier only now, -1 where only before."""
        return _more(self.after, 0.0) - _more(self.before, 0.0)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a model prefers, pair by pair."""

    rows: tuple[Preferred, ...]

    def raised(self, *, seed: int) -> Interval:
        """Return the share of pairs whose chosen answer training raised; .5 is no learning."""
        return paired([row.raised for row in self.rows], seed=seed)

    def preferred(self, *, seed: int) -> Interval:
        """Return the share of pairs whose chosen answer is the likelier."""
        return paired([_more(row.after, 0.0) for row in self.rows], seed=seed)

    def gained(self, *, seed: int) -> Interval:
        """Return by how much that share rose; paired, and 0 is no learning."""
        return paired([row.gained for row in self.rows], seed=seed)


def pairs(rows: Iterable[Mapping[str, Any]]) -> list[Pair]:
    """Return the pairs among training rows; an answer without a partner is no pair."""
    whole = (row for row in rows if row["chosen"].strip() and row["rejected"].strip())
    return [
        Pair(f"pair-{n:04d}", tuple(row["prompt"]), row["chosen"], row["rejected"])
        for n, row in enumerate(whole)
    ]


def preference_accuracy(
    model: ChatModel, chosen: Sequence[Pair], *, reference: ChatModel
) -> Preferences:
    """Return what a model prefers against what its reference, the model before, did."""
    before, after = margins(reference, chosen), margins(model, chosen)
    rows = zip(chosen, before, after, strict=True)
    return Preferences(tuple(Preferred(pair.item_id, b, a) for pair, b, a in rows))


def margins(model: ChatModel, chosen: Sequence[Pair]) -> list[float]:
    """Return by how many nats each pair's chosen answer is likelier than the rejected one."""
    liked = model.loss([pair.answered(pair.chosen) for pair in chosen])
    disliked = model.loss([pair.answered(pair.rejected) for pair in chosen])
    # Earlier answers in the prompt count in both losses alike, and fall out.
    return [d.sum_nats - li.sum_nats for li, d in zip(liked, disliked, strict=True)]


def _more(one: float, other: float) -> float:
    return 0.5 if one == other else float(one > other)
