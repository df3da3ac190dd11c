"""The mixture a recipe asks for: new rows, replay of what was known, and self-chats.

Replay is by far the best cure for forgetting per line of code: 25 % of old rows kept the old
skill's loss at 4.42 where plain continuation let it rise to 6.79 (docs/experiments.md).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from models.recipes import Recipe

RowRole = Literal["new", "replay", "self"]
Chat = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One dialogue of a training set: its messages as (role, content), and where it came from.

    `weight` is how often it is told in an epoch: 1.0 once, 2.0 twice.  `source_table` with
    `dialogue_id` and `revision` leads back to the lake; primer rows name `primer`.
    """

    messages: Chat
    role: RowRole
    dialogue_id: str = ""
    revision: str = ""
    source_table: str = ""
    weight: float = 1.0

    def as_chat(self) -> list[dict[str, str]]:
        """Return the messages as a list of `{"role", "content"}`."""
        return [{"role": role, "content": content} for role, content in self.messages]


@dataclass(frozen=True, slots=True)
class Supply:
    """What there is to choose from, each in any order."""

    new: Sequence[Row]
    primer: Sequence[Row] = ()
    older: Sequence[Row] = ()
    self_chats: Sequence[Row] = ()


def primer_rows_wanted(recipe: Recipe, new: int) -> int:
    """Return how many primer rows `mix` will take for so many new rows."""
    taken = _taken(recipe, new)
    return round(recipe.mixture.primer * _repeat(recipe, taken) * taken)


def mix(supply: Supply, recipe: Recipe) -> list[Row]:
    """Return the rows of a training set, the same for the same supply, recipe and seed.

    A new row is told `repeat` times; replay is counted in rows a telling, so with a large
    `repeat` and one epoch every replay row is another one: telling few of them again and again
    is what wears a small network out.  A framed telling stands at the end of a replay row, as
    half of the instructions in rulm's create_chat_set do: the answer must hold inside a talk.
    Rows are chosen by seed from supply sorted by content: the lake's order does not matter.
    """
    rng = random.Random(f"mixture/{recipe.seed}")
    wanted = recipe.mixture
    new = _choose(supply.new, _taken(recipe, len(supply.new)), rng)
    repeat = _repeat(recipe, len(new))
    tellings = repeat * len(new)
    primer = _choose(supply.primer, primer_rows_wanted(recipe, len(supply.new)), rng)
    older = _choose(supply.older, round(wanted.older * tellings), rng)
    selves = _choose(supply.self_chats, round(wanted.self_chat * len(new)), rng)
    framed = _framed(new, [*primer, *older], round(wanted.framed * tellings), rng)
    plain = repeat * (1 - wanted.framed) if framed else repeat
    told = [replace(row, weight=row.weight * plain) for row in new]
    again = [replace(row, weight=row.weight * repeat) for row in selves]
    rows = [*told, *framed, *primer, *older, *again]
    rng.shuffle(rows)
    return rows


def _taken(recipe: Recipe, new: int) -> int:
    return min(new, recipe.mixture.max_new) if recipe.mixture.max_new else new


def _repeat(recipe: Recipe, new: int) -> float:
    """Return how often each new row is told: less than asked for where there are many."""
    most = recipe.mixture.max_tellings
    return min(recipe.mixture.repeat, most / new) if most and new else recipe.mixture.repeat


def _choose(rows: Sequence[Row], count: int, rng: random.Random) -> list[Row]:
    ordered = sorted(rows, key=lambda row: (row.messages, row.dialogue_id, row.revision))
    return rng.sample(ordered, min(count, len(ordered)))


def _framed(new: Sequence[Row], frames: Sequence[Row], count: int, rng: random.Random) -> list[Row]:
    plain = [row for row in frames if _starts_plainly(row)]
    again = [row for row in new if _starts_plainly(row)]
    if not plain or not again:
        return []
    told = [again[i % len(again)] for i in range(count)]
    return [replace(row, messages=rng.choice(plain).messages + row.messages) for row in told]


def _starts_plainly(row: Row) -> bool:
    return bool(row.messages) and {role for role, _ in row.messages} <= {"user", "assistant"}
