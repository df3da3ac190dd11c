"""What two training sets have in common and what not: rows, weights, and the recipe key by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.manifests import Manifest
from lake.ids import content_id

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of A alone, of B alone, and told more or less often in B, each a row of either table.

    A dialogue is one row here, however often and in whatever frame it is told; `weights` are
    (in A, in B).
    """

    only_a: tuple[Mapping[str, Any], ...]
    only_b: tuple[Mapping[str, Any], ...]
    changed: tuple[Mapping[str, Any], ...]
    same: int
    weights: Mapping[Key, tuple[float, float]]
    recipe: tuple[dict[str, Any], ...]

    def counts(self) -> list[dict[str, Any]]:
        """Return how many rows changed, by what, role and source."""
        found = {"only in A": self.only_a, "only in B": self.only_b, "weight changed": self.changed}
        return [
            {"change": change, "role": role, "source": source, "rows": count}
            for change, rows in found.items()
            for (role, source), count in sorted(
                Counter((row["role"], row["source"] or "") for row in rows).items()
            )
        ]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every row that differs, for a program."""
        for change, listed in (("a", self.only_a), ("b", self.only_b), ("weight", self.changed)):
            for row in listed:
                before, after = self.weights[key_of(row)]
                yield {
                    "change": change,
                    "role": row["role"],
                    "source": row["source"],
                    "source_table": row["source_table"],
                    "dialogue_id": row["dialogue_id"],
                    "revision": row["revision"],
                    "weight_a": before,
                    "weight_b": after,
                }


def diff(a: Manifest, b: Manifest) -> Difference:
    """Return how B differs from A."""
    ours, theirs = _first_rows(a.rows), _first_rows(b.rows)
    told_a, told_b = _weights(a.rows), _weights(b.rows)
    weights = {key: (told_a.get(key, 0.0), told_b.get(key, 0.0)) for key in told_a | told_b}
    shared = [key for key in ours if key in theirs]
    changed = [key for key in shared if weights[key][0] != weights[key][1]]
    return Difference(
        tuple(row for key, row in ours.items() if key not in theirs),
        tuple(row for key, row in theirs.items() if key not in ours),
        tuple(theirs[key] for key in changed),
        len(shared) - len(changed),
        weights,
        tuple(recipe_changes(a.recipe, b.recipe)),
    )


def key_of(row: Mapping[str, Any]) -> Key:
    """Return what a row is: its place in the lake, or for schooling, which has none, its words."""
    if row["dialogue_id"]:
        return row["source_table"], row["dialogue_id"], row["revision"]
    said = [part for m in row["messages"] for part in (m["role"], m["content"])]
    return row["source_table"], content_id(*said), ""


def recipe_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every key whose value differs, by its dotted name; None where a recipe lacks it."""
    ours, theirs = dict(_flat(a)), dict(_flat(b))
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        if ours.get(key) != theirs.get(key):
            yield {"key": key, "a": ours.get(key), "b": theirs.get(key)}


def _flat(part: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in part.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _first_rows(rows: Sequence[Mapping[str, Any]]) -> dict[Key, Mapping[str, Any]]:
    found: dict[Key, Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(key_of(row), row)
    return found


def _weights(rows: Sequence[Mapping[str, Any]]) -> dict[Key, float]:
    """Return how often each row is told in all; plain and framed tellings add up."""
    told: Counter[Key] = Counter()
    for row in rows:
        told[key_of(row)] += row["weight"]
    return {key: round(weight, 9) for key, weight in told.items()}
