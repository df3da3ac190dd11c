"""Days of the week and months of the year: what comes before and after."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("days", weight=1)
def days(draw: Draw) -> list[Turn]:
    """Name the day after or before another."""
    index = draw.number(0, 6)
    after = f"После {lang.inflect(world.DAYS[index], 'gent')}"
    before = f"Перед {lang.inflect(world.DAYS[index], 'ablt')}"
    if draw.chance(0.5):
        answer = f"{after} идёт {world.DAYS[(index + 1) % 7]}."
        return [Turn(f"Какой день идёт {lang.lower_first(after)}?", answer)]
    answer = f"{before} идёт {world.DAYS[index - 1]}."
    return [Turn(f"Какой день идёт {lang.lower_first(before)}?", answer)]


@skill("months", weight=1)
def months(draw: Draw) -> list[Turn]:
    """Name the month after another, or the season a month belongs to."""
    index = draw.number(0, 11)
    month = world.MONTHS[index]
    if draw.chance(0.5):
        after = lang.inflect(month, "gent")
        following = world.MONTHS[(index + 1) % 12]
        return [Turn(f"Какой месяц идёт после {after}?", f"После {after} идёт {following}.")]
    season = world.MONTH_SEASONS[(index + 1) % 12 // 3]
    return [Turn(f"Какой это месяц, {month}?", f"{lang.capital(month)} — {season} месяц.")]
