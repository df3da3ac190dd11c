"""Dates as a locale writes them: read where they have one reading, never guessed.

`2025-06-04` puts the year first, and dotted or dashed dates the day: that is what every locale of
Moment.js does, with which the Nexus importer writes them.  A slashed date such as `04/06/2025`
is the 4th of June to a Frenchman and the 6th of April to an American; another date of the same
writer (`25/06/2025`) or a setting decides, or nobody does.

Times are the writer's wall clock, without a zone; they are kept as if they were UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

ORDERS = ("dmy", "mdy", "ymd")
_DATE = re.compile(r"(?<!\d)(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?!\d)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?\.?[Mm]?")


def readings(text: str) -> dict[str, datetime]:
    """Return the moments that the first date of a text may mean, by the order of its parts."""
    found = _DATE.search(text)
    if not found:
        return {}
    first, mark, second, third = found.groups()
    clock = _TIME.search(text, found.end())
    return {
        order: moment
        for order in _orders(first, mark, third)
        if (moment := _moment(order, (first, second, third), clock))
    }


def order_of(texts: Iterable[str], setting: str) -> str:
    """Return the one order in which all dates of one writer can be read, "" if that is open.

    What the dates show stands above the setting, and the setting above nothing.
    """
    possible = set(ORDERS)
    for text in texts:
        found = readings(text)
        if "/" in text and found:
            possible &= set(found)
    if len(possible) == 1:
        return possible.pop()
    return setting if setting in possible else ""


def moment(text: str, order: str) -> datetime | None:
    """Return a date's moment, None where it has none, or several and `order` is not among them."""
    found = readings(text)
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return found.get(order)


def remarks_on(texts: Iterable[str], order: str, setting: str) -> tuple[str, ...]:
    """Return a sentence for what could not be read, and one for what was not guessed."""
    unread = [text for text in texts if moment(text, order) is None]
    double = [text[:40] for text in unread if readings(text)]
    bad = [text[:40] for text in unread if not readings(text)]
    said = []
    if double:
        said.append(
            f"`{double[0]}` has two readings, see `{setting}`: {len(double)} times left out."
        )
    if bad:
        said.append(f"`{bad[0]}` is no date: {len(bad)} times left out.")
    return tuple(said)


def _orders(first: str, mark: str, third: str) -> tuple[str, ...]:
    if len(first) > 2:
        return ("ymd",)
    if mark != "/":
        return ("dmy",)
    return ("dmy", "mdy") if len(third) > 2 else ORDERS


def _moment(
    order: str, parts: tuple[str, str, str], clock: re.Match[str] | None
) -> datetime | None:
    by = dict(zip(order, parts, strict=True))
    if len(by["y"]) not in (2, 4):
        return None
    year = int(by["y"]) + 2000 * (len(by["y"]) == 2)
    try:
        return datetime(year, int(by["m"]), int(by["d"]), *_clock(clock), tzinfo=UTC)
    except ValueError:
        return None


def _clock(found: re.Match[str] | None) -> tuple[int, int, int]:
    if found is None:
        return 0, 0, 0
    hour, minute, second, half = found.groups()
    hours = int(hour) % 12 + 12 * (half in "Pp") if half else int(hour)
    return hours, int(minute), int(second or 0)
