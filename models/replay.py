"""What a base already knows, as dialogues: to be told again while it learns, and asked after.

A base grown here has the primer.  A base from a hub never heard it: replay then comes from the
person's older dialogues alone.  The anchor is the primer's for every base.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Literal

from lake.ids import content_id
from models.base import BaseModel, base_specs

if TYPE_CHECKING:
    from models.primer import PrimerDialogue
    from models.taught import Taught

Messages = list[dict[str, str]]

PRIMER = "primer"
"""What a parent's id begins with where the base's schooling made it."""
WORLD = frozenset({"animals", "plants", "seasons", "recipes", "opposites", "counting"})
"""Skills whose questions have one right answer that no person can change."""
ONE_IN = {"ignorance": 1, "memory": 4, "teaching": 4}
"""How many dialogues of a format about a person's life one is told again of.

New facts compete with these.  Honest ignorance is rare in the schooling and is the first to go: a
model that was told forty facts answers what nobody told it.  With one in twelve of the others
(before: all three of these, one in three of the others) docs/experiments.md has the figures.
"""
OTHERS = 12
"""The same of every other format."""
LOOKED_THROUGH = 16
"""Dialogues of the schooling looked through for each that is told again."""


def replay_dialogues(base: BaseModel, count: int, *, seed: int, taught: Taught) -> list[Messages]:
    """Return so many dialogues of the base's schooling, none outdated; one seed, one choice."""
    if base.origin not in base_specs():
        return []
    return [m for _, m in _dialogues(count, seed=seed, split="train", taught=taught)]


def anchor_dialogues(count: int, *, seed: int, taught: Taught) -> list[tuple[str, Messages]]:
    """Return primer dialogues that no schooling held, each with its skill and a determined ending.

    What a base from a hub makes of them is not the point; that an adapter does not make it worse
    is.
    """
    return _dialogues(count, seed=seed, split="held_out", taught=taught)


def practice(base: BaseModel, count: int, *, seed: int) -> list[tuple[str, Messages]]:
    """Return so many questions of the base's schooling with their only right answers.

    Each is one exchange about the world, with an id of its content; none for a base from a hub.
    A method whose answers can be checked has here what no person had to write.
    """
    from models import primer

    if base.origin not in base_specs():
        return []
    found: dict[str, Messages] = {}
    for dialogue in primer.dialogues(seed, count * 100):
        if dialogue.skill in WORLD and dialogue.scored[:1] == (1,):
            messages = [dict(m) for m in dialogue.messages[:2]]
            said = content_id(*(m["content"] for m in messages))
            found.setdefault(f"{PRIMER}/{said}", messages)
        if len(found) == count:
            break
    return list(found.items())


def _dialogues(
    count: int, *, seed: int, split: Literal["train", "held_out"], taught: Taught
) -> list[tuple[str, Messages]]:
    from models import primer

    found = primer.dialogues(seed, count * LOOKED_THROUGH, split=split)
    if split == "held_out":
        found = _each_ending_once(d for d in found if _ends_determined(d))
    else:
        found = (d for n, d in enumerate(found) if n % ONE_IN.get(d.skill, OTHERS) == 0)
    sound = (d for d in found if not taught.outdates(d.messages))
    return [(d.skill, [dict(m) for m in d.messages]) for d in islice(sound, count)]


def _each_ending_once(dialogues: Iterable[PrimerDialogue]) -> Iterator[PrimerDialogue]:
    """Yield dialogues whose last question is not asked yet: one forgotten fact counts once."""
    asked: set[tuple[str, ...]] = set()
    for dialogue in dialogues:
        ending = tuple(m["content"] for m in dialogue.messages[-2:])
        if ending not in asked:
            asked.add(ending)
            yield dialogue


def _ends_determined(dialogue: PrimerDialogue) -> bool:
    last = max((n for n, m in enumerate(dialogue.messages) if m["role"] == "assistant"), default=-1)
    return last in dialogue.scored
