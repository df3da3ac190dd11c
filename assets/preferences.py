"""Choices between two answers, from whoever made them: one loader, and one rule where they differ.

The rule.  Two choices contradict each other if they are about the same prompt and the same two
answers, and prefer another one.  Then the stronger word counts:

    a person's    edit, then regeneration, then thumb, then votes and ranks of strangers
    a judge's     another model that compared both
    a method's    critique, reflection; and a judge that is the generator itself

Of equal words the newest counts; where these are of the same moment, nobody knows, and neither
teaches.  The same choice made twice counts once, by its strongest word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from lake import query
from lake.ids import content_id
from models.mixture import Row

if TYPE_CHECKING:
    from lake.tables import Lake

STRENGTH = {
    "edit": 5,
    "regeneration": 4,
    "thumb": 3,
    "votes": 2,
    "ranks": 2,
    "judge": 1,
    "critique": 0,
    "reflection": 0,
}
"""How much a word counts, by origin; what is not named is a source's own word, as votes are."""
SOURCES_OWN = 2

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice as the rule sees it; `key` is its table and id, `row` what would teach."""

    key: Key
    row: Row
    origin: str
    decided_at: datetime
    split: str = "train"
    reason: str = ""

    @property
    def strength(self) -> tuple[int, datetime]:
        """Return how much this word counts, and since when."""
        if self.row.judges_itself:
            return 0, self.decided_at
        return STRENGTH.get(self.origin, SOURCES_OWN), self.decided_at


def load(lake: Lake) -> list[Choice]:
    """Return every choice of the lake, with the reason why it cannot teach, if there is one."""
    found = [_choice(row) for row in query.ask(lake, "from stg_preferences")]
    reasons = unfit(found) | {choice.key: choice.reason for choice in found if choice.reason}
    reasons |= settle([choice for choice in found if choice.key not in reasons])
    return [replace(choice, reason=reasons.get(choice.key, "")) for choice in found]


def held_out_preferences(lake: Lake) -> list[Row]:
    """Return the pairs that no training holds: on them the accuracy of preferences is measured."""
    fit = [c for c in load(lake) if c.split != "train" and not c.reason]
    pairs = [c.row for c in fit if c.row.chosen and c.row.rejected]
    return sorted(pairs, key=lambda row: row.key)


def unfit(choices: Iterable[Choice]) -> dict[Key, str]:
    """Return which choices say nothing: no question, no answer, or twice the same answer."""
    return {choice.key: why for choice in choices if (why := _nothing_said(choice.row))}


def _nothing_said(row: Row) -> str:
    if not row.messages or row.messages[-1][0] != "user":
        return "no_question"
    chosen, rejected = row.chosen.strip(), row.rejected.strip()
    if not (chosen or rejected):
        return "no_answer"
    return "same_answers" if chosen == rejected else ""


def settle(choices: Iterable[Choice]) -> dict[Key, str]:
    """Return which choices do not count and why: `overruled`, `conflict` or `repeated`.

    The order of the choices does not matter.
    """
    about: dict[Any, list[Choice]] = defaultdict(list)
    for choice in choices:
        answers = frozenset((choice.row.chosen, choice.row.rejected))
        about[choice.row.messages, answers].append(choice)
    reasons: dict[Key, str] = {}
    for same in about.values():
        reasons |= _settled(same)
    return reasons


def _settled(choices: Sequence[Choice]) -> dict[Key, str]:
    """Return what does not count of the choices between the same two answers."""
    strongest: dict[str, Choice] = {}
    for choice in sorted(choices, key=lambda c: (c.strength, c.key), reverse=True):
        strongest.setdefault(choice.row.chosen, choice)
    words = sorted((c.strength for c in strongest.values()), reverse=True)
    if len(words) > 1 and words[0] == words[1]:
        return {choice.key: "conflict" for choice in choices}
    winner = max(strongest.values(), key=lambda c: c.strength)
    return {
        choice.key: "repeated" if choice.row.chosen == winner.row.chosen else "overruled"
        for choice in choices
        if choice.key != winner.key
    }


def is_too_long(row: Row, ratio: float) -> bool:
    """Say whether the better answer is so much longer that its length is what would be learned.

    IlyaGusev/saiga, compose_pref_dataset.py: `max_length_ratio`; there a fifth of them stays.
    """
    return bool(ratio and row.rejected) and len(row.chosen) > ratio * len(row.rejected)


def _choice(row: Mapping[str, Any]) -> Choice:
    made = Row(
        tuple((m["role"], m["content"]) for m in row["prompt"]),
        "preference",
        dialogue_id=row["preference_id"],
        source_table=row["source_table"],
        source=row["source"],
        ancestry_depth=row["ancestry_depth"],
        generator=row["generator"],
        judge=row["judge"],
        chosen=row["chosen"],
        rejected=row["rejected"],
    )
    decided_at = row["decided_at"] or datetime.combine(row["day"], time(), UTC)
    key = (row["source_table"], row["preference_id"])
    return Choice(key, made, row["origin"], decided_at, _split(row), row["reason"])


def _split(row: Mapping[str, Any]) -> str:
    """Return the split of a choice: that of what it grew from, where this is held out.

    What grew from dialogues of `train` alone is parted by the same rule, all of one cluster
    together: self-chat starts from no other dialogues, and accuracy wants pairs nobody trained on.
    """
    if row["split"]:
        return str(row["split"])
    from assets.cleaning.splits import split_of

    return split_of(content_id("preferences", row["family"] or row["preference_id"]))
