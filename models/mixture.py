"""The mixture a recipe asks for: new rows, replay of what was known, and self-chats.

Replay is by far the best cure for forgetting per line of code: 25 % of old rows kept the old
skill's loss at 4.42 where plain continuation let it rise to 6.79 (docs/experiments.md).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from models.judge_ids import judges_itself

if TYPE_CHECKING:
    from models.recipes import Recipe

RowRole = Literal["new", "replay", "self", "preference"]
Chat = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a training set: its messages as (role, content), and where it came from.

    `weight` is how often it is told in an epoch: 1.0 once, 2.0 twice.  `source_table` with
    `dialogue_id` and `revision` leads back to the lake; primer rows name `primer`.  `source` is the
    export's name, or the method of a self-chat.  `tokens` are by the base's own template, those of
    a frame before the row's own dialogue among them and in `frame_tokens` alone.

    A row of the role `preference` is a choice: `messages` are its prompt, `dialogue_id` its
    `preference_id`; one of `chosen` and `rejected` may be empty, where only one answer was judged.
    """

    messages: Chat
    role: RowRole
    dialogue_id: str = ""
    revision: str = ""
    source_table: str = ""
    weight: float = 1.0
    source: str = ""
    ancestry_depth: int = 0
    tokens: int = 0
    frame_tokens: int = 0
    generator: str = ""
    judge: str = ""
    chosen: str = ""
    rejected: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what leads back to the lake: table, id, revision."""
        return self.source_table, self.dialogue_id, self.revision

    @property
    def judges_itself(self) -> bool:
        """Return whether the judge is the generator."""
        return judges_itself(self.judge, self.generator)

    def talks(self) -> list[list[dict[str, str]]]:
        """Return what a network reads of the row: the dialogue, or the prompt with each answer."""
        if self.role != "preference":
            return [self.as_chat()]
        answers = [answer for answer in (self.chosen, self.rejected) if answer]
        return [[*self.as_chat(), {"role": "assistant", "content": a}] for a in answers]

    def as_chat(self) -> list[dict[str, str]]:
        """Return the messages as a list of `{"role", "content"}`."""
        return [{"role": role, "content": content} for role, content in self.messages]


@dataclass(frozen=True, slots=True)
class Supply:
    """What there is to choose from, each in any order.

    `older` may hold rows of `new`: those that are not chosen as new are replayed.
    """

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
    told_as_new = {row.key for row in new}
    known = [row for row in supply.older if row.key not in told_as_new]
    older = _choose(known, round(wanted.older * tellings), rng)
    selves = _choose(supply.self_chats, round(wanted.self_chat * len(new)), rng)
    framed = _framed(new, [*primer, *older], round(wanted.framed * tellings), rng)
    plain = repeat * (1 - wanted.framed) if framed else repeat
    told = [replace(row, weight=row.weight * plain) for row in new]
    again = [replace(row, weight=row.weight * repeat) for row in selves]
    rows = [*told, *framed, *primer, *older, *again]
    rng.shuffle(rows)
    return rows


def choices(supply: Sequence[Row], recipe: Recipe) -> list[Row]:
    """Return the choices of a preference set: at most `max_new`, each told `repeat` times."""
    rng = random.Random(f"choices/{recipe.seed}")
    taken = _choose(supply, _taken(recipe, len(supply)), rng)
    return [replace(row, weight=row.weight * _repeat(recipe, len(taken))) for row in taken]


def beyond_share(rows: Sequence[Row], recipe: Recipe) -> set[tuple[str, str, str]]:
    """Return the keys of rows that a recipe's share of their source leaves out, drawn by seed.

    Each source is drawn for itself, so another one beside it changes nothing.
    """
    beyond: set[tuple[str, str, str]] = set()
    for source, share in sorted(recipe.mixture.sources.items()):
        own = [row for row in rows if row.source == source]
        rng = random.Random(f"sources/{recipe.seed}/{source}")
        taken = {row.key for row in _choose(own, round(share * len(own)), rng)}
        beyond |= {row.key for row in own} - taken
    return beyond


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
    return [_under(rng.choice(plain), row) for row in told]


def _under(frame: Row, row: Row) -> Row:
    """Return a row told at the end of another one."""
    return replace(
        row,
        messages=frame.messages + row.messages,
        tokens=frame.tokens + row.tokens,
        frame_tokens=frame.tokens,
    )


def _starts_plainly(row: Row) -> bool:
    return bool(row.messages) and {role for role, _ in row.messages} <= {"user", "assistant"}
