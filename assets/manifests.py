"""A frozen training set read back from the lake: its rows, its recipe, what it left out."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from lake import query
from lake.errors import DataError
from lake.tables import Lake
from models import budget
from models.mixture import Row

if TYPE_CHECKING:
    from models.recipe_parts import Budget

Counts = dict[str, Any]
COUNTED: Mapping[str, str] = {
    "role": "role",
    "source": "source",
    "depth": "ancestry_depth",
    "table": "source_table",
}
"""By what rows are counted, and the column that says it."""


@dataclass(frozen=True)
class Manifest:
    """One frozen set; `rows` and `left_out` are rows of their tables, in their order.

    `adapter_id` is the adapter that it made, or empty.
    """

    training_set_id: str
    rows: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, Any]]
    adapter_id: str = ""

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """Return the recipe as it was; empty for a set of a time when none was kept."""
        told = self.rows[0]["recipe"]
        return dict(json.loads(told)) if told else {}

    @property
    def frozen_at(self) -> datetime:
        """Return when the set was frozen."""
        found: datetime = self.rows[0]["frozen_at"]
        return found

    @property
    def versions(self) -> dict[str, int]:
        """Return the version each table was read at; schooling has none."""
        return {r["source_table"]: r["table_version"] for r in self.rows if r["dialogue_id"]}

    def counts(self, by: str) -> list[Counts]:
        """Return rows, tokens told and their share by one of `COUNTED`, largest first."""
        return _counted(self.rows, lambda row: row[COUNTED[by]], by)

    def reasons(self) -> list[Counts]:
        """Return how many candidates were left out, by source and reason."""
        found = Counter((row["source"] or "", row["reason"]) for row in self.left_out)
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return [{"reason": why, "source": source, "rows": n} for (source, why), n in ordered]

    def lost(self) -> Counter[str]:
        """Return how many candidates each reason cost."""
        return Counter(row["reason"] for row in self.left_out)

    def shares(self) -> budget.Shares:
        """Return what people told, and what each method."""
        return budget.shares(map(_as_row, self.rows))

    def limits(self) -> Budget | None:
        """Return the budget that the set was held to, if its recipe is kept."""
        from models.recipe_parts import Budget

        kept = self.recipe.get("budget")
        return Budget.model_validate(kept) if kept else None

    def samples(self, each: int) -> list[Mapping[str, Any]]:
        """Return the first rows of every role and source."""
        seen: Counter[tuple[str, str]] = Counter()
        found = []
        for row in self.rows:
            kind = (row["role"], row["source"])
            seen[kind] += 1
            if seen[kind] <= each:
                found.append(row)
        return sorted(found, key=lambda row: (row["role"], row["source"]))

    @classmethod
    def of(cls, lake: Lake, training_set_id: str) -> Self:
        """Return a set by its whole id, with the adapter it made."""
        wanted = f"training_set_id = '{training_set_id}'"
        rows = lake.rows("adapters_training_sets", where=wanted)
        left_out = lake.rows("adapters_left_out", where=wanted)
        made = lake.rows("adapters_versions", where=wanted)
        ordered = sorted(rows, key=lambda row: row["position"])
        return cls(training_set_id, ordered, left_out, made[-1]["adapter_id"] if made else "")


def listed(lake: Lake) -> list[dict[str, Any]]:
    """Return every training set in a line, newest first."""
    return query.ask(lake, "from training_sets")


def is_frozen(lake: Lake, training_set_id: str) -> bool:
    """Say whether a set of this id is in the lake."""
    wanted = f"training_set_id = '{training_set_id}'"
    return lake.arrow("adapters_training_sets", columns="position", where=wanted).num_rows > 0


def read(lake: Lake, words: str = "") -> Manifest:
    """Return the set whose id begins so, or that made the adapter whose id does; else the newest.

    Raise `DataError` where there is none, or more than one.
    """
    known = listed(lake)
    begun = words.removeprefix("steppe@")
    found = {
        row["training_set_id"]: None
        for row in known
        if row["training_set_id"].startswith(begun)
        or (begun and (row["adapter_id"] or "").startswith(begun))
    }
    if not found:
        raise DataError(
            f"There is no training set `{words}`." if words else "There is no training set yet.",
            hint="`steppe training-set list` has them" if known else "`steppe grow` freezes one",
        )
    if begun and len(found) > 1:
        several = ", ".join(name[:12] for name in found)
        raise DataError(f"`{words}` may be {several}.", hint="give more of its digits")
    return Manifest.of(lake, next(iter(found)))


def _counted(
    rows: Iterable[Mapping[str, Any]], name_of: Callable[[Mapping[str, Any]], Any], by: str
) -> list[Counts]:
    count: Counter[Any] = Counter()
    tokens: dict[Any, float] = defaultdict(float)
    for row in rows:
        name = name_of(row)
        count[name] += 1
        tokens[name] += (row["tokens"] or 0) * row["weight"]
    whole = sum(tokens.values()) or 1.0
    ordered = sorted(count, key=lambda name: (-tokens[name], str(name)))
    return [
        {
            by: name,
            "rows": count[name],
            "tokens_told": round(tokens[name]),
            "share": round(tokens[name] / whole, 4),
        }
        for name in ordered
    ]


def _as_row(row: Mapping[str, Any]) -> Row:
    return Row(
        (),
        row["role"],
        source_table=row["source_table"],
        source=row["source"] or "",
        weight=row["weight"],
        tokens=row["tokens"] or 0,
        frame_tokens=row["frame_tokens"] or 0,
    )
