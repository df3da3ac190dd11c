"""Dates: read as people write them, told in Russian, by a clock that is given."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import BadArguments
from models.tools.clock import clock
from models.tools.date import counted, date_tool, difference, moved, read, spoken

NOW = datetime(2026, 11, 27, 9, 5)  # noqa: DTZ001  the wall clock of whoever asks
TODAY = NOW.date()
tool = date_tool(lambda: NOW)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("сегодня", date(2026, 11, 27)),
        ("Завтра", date(2026, 11, 28)),
        ("позавчера", date(2026, 11, 25)),
        ("2024-02-29", date(2024, 2, 29)),
        ("1.5.2024", date(2024, 5, 1)),
        ("01/05/2024", date(2024, 5, 1)),
        ("1 мая 2024 года", date(2024, 5, 1)),
        ("1 мая 2024 г.", date(2024, 5, 1)),
        ("9-го мая", date(2026, 5, 9)),
        ("31 декабря", date(2026, 12, 31)),
        ("через 3 дня", date(2026, 11, 30)),
        ("через неделю", date(2026, 12, 4)),
        ("через 2 месяца", date(2027, 1, 27)),
        ("неделю назад", date(2026, 11, 20)),
        ("5 лет назад", date(2021, 11, 27)),
        ("год назад", date(2025, 11, 27)),
    ],
)
def test_dates_are_read_as_people_write_them(words: str, day: date) -> None:
    assert day == read(words, TODAY)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("когда-нибудь", "не дата"),
        ("", "не дата"),
        ("неделю", "не дата"),
        ("через неделю назад", "не дата"),
        ("через 3 попугая", "не дата"),
        ("5 маюля", "не дата"),
        ("30 февраля 2024", "нет в календаре"),
        ("2024-13-01", "нет в календаре"),
        ("через 9999 лет", "нет в календаре"),
        ("0000-01-01", "нет в календаре"),
    ],
)
def test_what_is_no_date_is_told(words: str, reason: str) -> None:
    with pytest.raises(BadArguments, match=rf"(?s){reason}.*hint: "):
        read(words, TODAY)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"what": "today"}, "Сегодня 27 ноября 2026 года, пятница."),
        ({"what": "weekday", "first": "1 мая 2024"}, "1 мая 2024 года: среда."),
        (
            {"what": "difference", "first": "сегодня", "second": "31 декабря"},
            "От 27 ноября 2026 года до 31 декабря 2026 года: 34 дня (1 месяц 4 дня).",
        ),
        (
            {"what": "difference", "first": "1 мая 2024"},
            "От 1 мая 2024 года до 27 ноября 2026 года: 940 дней (2 года 6 месяцев 26 дней).",
        ),
        (
            {"what": "difference", "first": "завтра"},
            "От 28 ноября 2026 года до 27 ноября 2026 года: -1 день.",
        ),
        ({"what": "weekday"}, "Ошибка: Для `weekday` нужна дата `first`."),
        ({"what": "weekday", "first": "x"}, "Ошибка: «x» — не дата."),
        ({"what": "неделя"}, "Ошибка: `what` не может быть «неделя»."),
        ({}, "Ошибка: Нет аргумента `what`."),
    ],
)
def test_the_tool_answers_in_russian(arguments: dict[str, str], told: str) -> None:
    assert tool.run(arguments).startswith(told)


@given(st.dates(date(1, 2, 1), date(9000, 1, 1)), st.integers(0, 5000))
def test_months_move_there_and_back_within_a_month(day: date, months: int) -> None:
    there = moved(day, months, "months")

    assert (there.year * 12 + there.month) - (day.year * 12 + day.month) == months
    assert there.day <= day.day


@given(st.dates(date(1800, 1, 1), date(2200, 1, 1)), st.integers(-40000, 40000))
def test_a_difference_is_whole(first: date, days: int) -> None:
    told = difference(first, first + timedelta(days=days))

    assert f": {days} {counted(abs(days), ('день', 'дня', 'дней'))}" in told


@given(st.dates(), st.dates(date(9999, 11, 1)))
def test_a_difference_is_told_up_to_the_last_day_of_the_calendar(first: date, last: date) -> None:
    told = tool.run({"what": "difference", "first": spoken(first), "second": last.isoformat()})

    assert "9999 года" in told or first.year < 1000


@given(st.dates())
def test_a_date_that_is_said_is_read_again(day: date) -> None:
    if day.year >= 1000:
        assert day == read(spoken(day), TODAY)


def test_words_agree_with_numbers() -> None:
    forms = ("день", "дня", "дней")
    told = {n: counted(n, forms) for n in (1, 2, 5, 11, 12, 21, 24, 100, 111)}

    assert ["день"] * 2 == [told[n] for n in (1, 21)]
    assert ["дня"] * 2 == [told[n] for n in (2, 24)]
    assert ["дней"] * 5 == [told[n] for n in (5, 11, 12, 100, 111)]


def test_the_clock_says_the_hour_and_the_minute() -> None:
    assert "09:05" == clock(lambda: NOW).run({})
