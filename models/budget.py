"""The synthetic safety budget: how much of a training set models may have made.

A model that learns from its own words, and those of its children, forgets the tails of what people
say and at last the rest (arXiv 2305.17493); where people's words stay in the set it does not
(arXiv 2404.01413).  So a recipe says how deep and how much, and here a set is held to it.

**What counts.**  A row's tokens are counted as often as it is told: tokens x weight.

    human      dialogues that people held: rows of `cleaned_dialogues`
    synthetic  self-chats, whatever the method
    neither    schooling: primer rows, and the frame before a framed row.  It is a curriculum, and
               its share is the recipe's own; as people's words it would hide any flood of
               self-chats, as models' words it would forbid replay

    human share  = human / (human + synthetic)        at least `min_human_share`
    method share = method / (human + synthetic)       at most `max_method_share`, each method

Choices between answers are not imitated, so they have no part in the shares; how deep they are and
who judged them is looked at as in any row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.mixture import Row

if TYPE_CHECKING:
    from models.recipe_parts import Budget

Kind = Literal["human", "synthetic", "schooling", "choice"]
REASONS = ("too_deep", "judged_by_itself", "method_share", "human_share")
"""Why a budget leaves a row out; the first two of a row alone, the others of the whole set."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A set within its budget, in its order, and every row that had to go with the reason."""

    kept: tuple[Row, ...]
    left_out: tuple[tuple[Row, str], ...]


@dataclass(frozen=True, slots=True)
class Shares:
    """Tokens told, by whose they are; `methods` are the parts of `synthetic`."""

    human: float
    synthetic: float
    methods: dict[str, float]

    @property
    def human_share(self) -> float:
        """Return people's share, 1 where nothing counts."""
        counted = self.human + self.synthetic
        return self.human / counted if counted else 1.0

    def method_share(self, method: str) -> float:
        """Return the share of a self-chat method."""
        counted = self.human + self.synthetic
        return self.methods.get(method, 0.0) / counted if counted else 0.0


def kind_of(row: Row) -> Kind:
    """Return whose words a row teaches."""
    if row.role == "preference":
        return "choice"
    if row.source_table == "cleaned_dialogues":
        return "human"
    return "synthetic" if row.source_table == "self_chats_dialogues" else "schooling"


def told(row: Row) -> float:
    """Return the tokens of a row as often as they are told, its frame left out."""
    return (row.tokens - row.frame_tokens) * row.weight


def shares(rows: Iterable[Row]) -> Shares:
    """Return how much of a set people said, and how much each method."""
    human, methods = 0.0, defaultdict[str, float](float)
    for row in rows:
        if kind_of(row) == "human":
            human += told(row)
        elif kind_of(row) == "synthetic":
            methods[row.source] += told(row)
    return Shares(human, sum(methods.values()), dict(methods))


def refusal(row: Row, budget: Budget) -> str:
    """Return why a row may be in no set of this budget, or an empty string."""
    if row.ancestry_depth > budget.max_depth:
        return "too_deep"
    if budget.judge_is_not_generator and row.judges_itself:
        return "judged_by_itself"
    return ""


def settle(rows: Sequence[Row], budget: Budget) -> Settled:
    """Return the rows within the budget: what is too much goes, deepest first, then from the end.

    While a method has more than its share, the largest such method gives a row up; then, while
    people have too little, the largest method does.  The same rows give the same answer.
    """
    reasons = {n: why for n, row in enumerate(rows) if (why := refusal(row, budget))}
    waiting: dict[str, list[int]] = defaultdict(list)
    for n in _giving_up([n for n in range(len(rows)) if n not in reasons], rows):
        waiting[rows[n].source].append(n)
    tally = _Tally(shares(row for n, row in enumerate(rows) if n not in reasons))
    while found := tally.excess(budget):
        method, reason = found
        n = waiting[method].pop()
        reasons[n] = reason
        tally.take(method, told(rows[n]), last=not waiting[method])
    kept = tuple(row for n, row in enumerate(rows) if n not in reasons)
    return Settled(kept, tuple((rows[n], why) for n, why in sorted(reasons.items())))


def _giving_up(places: Iterable[int], rows: Sequence[Row]) -> list[int]:
    """Return the places of synthetic rows, the one to go first at the end."""
    found = (n for n in places if kind_of(rows[n]) == "synthetic")
    return sorted(found, key=lambda n: (rows[n].ancestry_depth, n))


class _Tally:
    """Tokens by method while rows go."""

    def __init__(self, found: Shares) -> None:
        self.human = found.human
        self.methods = dict(found.methods)

    def excess(self, budget: Budget) -> tuple[str, str] | None:
        """Return the method that must give a row up, and why; None within the budget."""
        if not self.methods:
            return None
        counted = self.human + sum(self.methods.values())
        largest = max(sorted(self.methods), key=lambda method: self.methods[method])
        if self.methods[largest] > budget.max_method_share * counted:
            return largest, "method_share"
        if self.human < budget.min_human_share * counted:
            return largest, "human_share"
        return None

    def take(self, method: str, tokens: float, *, last: bool) -> None:
        """Take a row's tokens away; a method without rows is exactly nothing."""
        self.methods[method] -= tokens
        if last:
            del self.methods[method]
