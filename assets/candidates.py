"""Who could teach an adapter, and why some of them do not: nobody considered is lost sight of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assets import preferences
from assets.records import chat_of, pairs
from lake import query
from models.mixture import Row

if TYPE_CHECKING:
    from datetime import datetime

    from lake.tables import Lake

TABLES = {"cleaned_dialogues": "new", "self_chats_dialogues": "self"}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One candidate that a training set does not hold, and why."""

    source_table: str
    dialogue_id: str
    revision: str
    source: str
    reason: str

    @classmethod
    def of(cls, row: Row, reason: str) -> LeftOut:
        """Return a row as what is left of it."""
        return cls(row.source_table, row.dialogue_id, row.revision, row.source, reason)


@dataclass(slots=True)
class Candidates:
    """The rows that may still be taken, and those that will not be; each is in one of both."""

    rows: list[Row]
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, reason_of: Callable[[Row], str]) -> None:
        """Leave out every row that has a reason."""
        told = [(row, reason_of(row)) for row in self.rows]
        self.left_out += [LeftOut.of(row, reason) for row, reason in told if reason]
        self.rows = [row for row, reason in told if not reason]

    def leave_out_places(self, places: Mapping[int, Any], reason: str) -> None:
        """Leave out the rows at these places."""
        self.left_out += [LeftOut.of(self.rows[n], reason) for n in sorted(places)]
        self.rows = [row for n, row in enumerate(self.rows) if n not in places]

    def of_role(self, role: str) -> list[Row]:
        """Return the rows of a role."""
        return [row for row in self.rows if row.role == role]

    def not_taken(self, taken: Iterable[Row], reasons: Mapping[Any, str]) -> list[LeftOut]:
        """Return everything that is not taken: why not, or `not_chosen` by the mixture."""
        keys = {row.key for row in taken}
        rest = [row for row in self.rows if row.key not in keys]
        last = [LeftOut.of(row, reasons.get(row.key, "not_chosen")) for row in rest]
        return sorted([*self.left_out, *last], key=_order)


def dialogues(lake: Lake) -> Candidates:
    """Return the dialogues of people and the self-chats, those that may not teach left out."""
    left = query.ask(lake, "from stg_training_refused")
    fit = query.ask(lake, "from stg_training_candidates where reason = ''")
    rows = [_row(row) for row in fit]
    return Candidates(sorted(rows, key=lambda row: row.key), [LeftOut(**row) for row in left])


def choices(lake: Lake) -> Candidates:
    """Return the choices between answers, those that may not teach left out."""
    found = sorted(preferences.load(lake), key=lambda choice: choice.key)
    known = {choice.key: choice.reason or _held_out(choice.split) for choice in found}
    candidates = Candidates([choice.row for choice in found])
    candidates.leave_out(lambda row: known[row.source_table, row.dialogue_id])
    return candidates


def known_before(lake: Lake, base_id: str, revisions: Iterable[str]) -> set[str]:
    """Return the revisions that adapters of a base were taught, before there were these to learn.

    Where nothing would be left to learn, the newest adapters have learned it: what they were taught
    does not count, one after the other, until something is left.  So the set that made an adapter
    is planned again as long as nothing is new.
    """
    wanted = set(revisions)
    taught = _taught(lake, base_id)
    while taught:
        known = set[str]().union(*(own for _, own in taught))
        if wanted - known:
            return known
        taught.pop()
    return set()


def _taught(lake: Lake, base_id: str) -> list[tuple[datetime, set[str]]]:
    """Return when each adapter of a base was made, and what it was taught; oldest first."""
    asked = "from stg_taught_revisions where base_id = ? order by created_at, adapter_id"
    found = query.ask(lake, asked, [base_id])
    return [(row["created_at"], set(row["revisions"])) for row in found]


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        pairs(chat_of(row)),
        TABLES[row["source_table"]],  # type: ignore[arg-type]  # a role
        dialogue_id=row["dialogue_id"],
        revision=row["revision"],
        source_table=row["source_table"],
        source=row["source"] or "",
        ancestry_depth=row["ancestry_depth"],
        generator=row["generator"],
        judge=row["judge"],
    )


def _held_out(split: str) -> str:
    return "" if split == "train" else "held_out"


def _order(left: LeftOut) -> tuple[str, ...]:
    return left.source_table, left.dialogue_id, left.revision, left.reason
