"""Dates: today, the day of the week, how long between two dates.

The clock is given, so a test and a conversation of yesterday have their own today.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from lake.errors import BadArguments
from models.tools.tool import Tool, taking

MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
WEEKDAYS = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")
NEAR = {"позавчера": -2, "вчера": -1, "сегодня": 0, "завтра": 1, "послезавтра": 2}
DAYS, WEEKS = ("день", "дня", "дней"), ("неделя", "недели", "недель")
MONTHS_COUNTED, YEARS = ("месяц", "месяца", "месяцев"), ("год", "года", "лет")
STEPS = {
    **dict.fromkeys((*DAYS, "дн"), "days"),
    **dict.fromkeys((*WEEKS, "неделю"), "weeks"),
    **dict.fromkeys(MONTHS_COUNTED, "months"),
    **dict.fromkeys(YEARS, "years"),
}
HINT = "можно: 2026-05-01, 01.05.2026, 1 мая 2026, сегодня, завтра, через 3 дня, неделю назад"
TODAY, WEEKDAY, DIFFERENCE = "today", "weekday", "difference"


def date_tool(now: Callable[[], datetime]) -> Tool:
    """Return the tool over a clock."""
    what = {
        "type": "string",
        "enum": [TODAY, WEEKDAY, DIFFERENCE],
        "description": "today: какое сегодня число; weekday: день недели даты `first`; "
        "difference: сколько от `first` до `second`",
    }
    first = {"type": "string", "default": "", "description": f"дата; {HINT}"}
    second = {"type": "string", "default": "", "description": "вторая дата; пусто: сегодня"}
    return Tool(
        "date",
        "Говорит, какое сегодня число, какой это день недели и сколько дней между датами.",
        taking(what=what, first=first, second=second),
        lambda given: _told(given, now().date()),
    )


def _told(given: Mapping[str, Any], today: date) -> str:
    what = given["what"]
    if what == TODAY:
        return f"Сегодня {spoken(today)}, {WEEKDAYS[today.weekday()]}."
    if not given.get("first"):
        raise BadArguments(f"Для `{what}` нужна дата `first`.", hint=HINT)
    first = read(given["first"], today)
    if what == WEEKDAY:
        return f"{spoken(first)}: {WEEKDAYS[first.weekday()]}."
    return difference(first, read(given.get("second") or "сегодня", today))


def read(words: str, today: date) -> date:
    """Return the date that words mean on a day; `BadArguments` where they mean none.

    A day without its year is of this year.
    """
    text = " ".join(words.lower().replace("ё", "е").split()).rstrip(".")
    try:
        found = _read(text, today)
    except (ValueError, OverflowError):
        raise BadArguments(f"Даты «{words[:40]}» нет в календаре.", hint=HINT) from None
    if found is None:
        raise BadArguments(f"«{words[:40]}» — не дата.", hint=HINT)
    return found


def _read(text: str, today: date) -> date | None:
    if text in NEAR:
        return today + timedelta(days=NEAR[text])
    for form, meaning in FORMS:
        found = form.fullmatch(text)
        if found and (day := meaning(found, today)):
            return day
    return None


def _numbered(found: re.Match[str], _: date) -> date:
    return date(int(found["year"]), int(found["month"]), int(found["day"]))


def _named(found: re.Match[str], today: date) -> date | None:
    if found["month"] not in MONTHS:
        return None
    return date(
        int(found["year"] or today.year), MONTHS.index(found["month"]) + 1, int(found["day"])
    )


def _away(found: re.Match[str], today: date) -> date | None:
    unit = STEPS.get(found["unit"])
    count = int(found["count"] or 1) * (1 if found["ahead"] else -1)
    return (
        moved(today, count, unit) if unit and bool(found["ahead"]) != bool(found["ago"]) else None
    )


FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date | None]], ...] = (
    (re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"), _numbered),
    (re.compile(r"(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})"), _numbered),
    (
        re.compile(r"(?P<ahead>через )?(?:(?P<count>\d{1,4}) )?(?P<unit>\w+?)(?P<ago> назад)?"),
        _away,
    ),
    (
        re.compile(
            r"(?P<day>\d{1,2})(?:-?го|-?е)? (?P<month>\w+)(?: (?P<year>\d{4})(?: ?года?| ?г)?)?"
        ),
        _named,
    ),
)


def moved(day: date, count: int, unit: str) -> date:
    """Return a day so many days, weeks, months or years away; a month too short ends earlier."""
    if unit in {"days", "weeks"}:
        return day + timedelta(days=count * (7 if unit == "weeks" else 1))
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def difference(first: date, second: date) -> str:
    """Return how long it is between two dates, in days, and in years and months if it is long."""
    days = (second - first).days
    told = f"От {spoken(first)} до {spoken(second)}: {days} {counted(abs(days), DAYS)}"
    earlier, later = min(first, second), max(first, second)
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    months -= moved(earlier, months, "months") > later
    if not months:
        return told + "."
    rest = (later - moved(earlier, months, "months")).days
    parts = ((months // 12, YEARS), (months % 12, MONTHS_COUNTED), (rest, DAYS))
    said = " ".join(f"{n} {counted(n, forms)}" for n, forms in parts if n)
    return f"{told} ({said})."


def spoken(day: date) -> str:
    """Return a date as it is said: 1 мая 2026 года."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year} года"


def counted(number: int, forms: tuple[str, str, str]) -> str:
    """Return the form of a word after a number: 1 день, 2 дня, 5 дней."""
    if number % 10 == 1 and number % 100 != 11:
        return forms[0]
    return forms[1] if number % 10 in {2, 3, 4} and number % 100 not in {12, 13, 14} else forms[2]
