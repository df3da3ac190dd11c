"""A date is read where it has one reading, and nowhere guessed."""

from datetime import UTC, datetime

import pytest

from assets.sources.dates import moment, order_of, remarks_on

SETTING = "sources.nexus_dates"


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("04.06.2025 at 13:59", "mdy", datetime(2025, 6, 4, 13, 59, tzinfo=UTC)),
        ("04-06-2025 at 13:59", "", datetime(2025, 6, 4, 13, 59, tzinfo=UTC)),
        ("04/06/2025 at 1:59 PM", "dmy", datetime(2025, 6, 4, 13, 59, tzinfo=UTC)),
        ("04/06/2025 at 12:00:01 AM", "mdy", datetime(2025, 4, 6, 0, 0, 1, tzinfo=UTC)),
        ("04/06/2025 at 13:59", "", None),
        ("25/06/2025 at 13:59", "", datetime(2025, 6, 25, 13, 59, tzinfo=UTC)),
        ("06/06/2025", "", datetime(2025, 6, 6, tzinfo=UTC)),
        ("25/06/04", "ymd", datetime(2025, 6, 4, tzinfo=UTC)),
        ("2025-06-04 13:59:07", "dmy", datetime(2025, 6, 4, 13, 59, 7, tzinfo=UTC)),
        ("2025/06/04 13:59:07", "", datetime(2025, 6, 4, 13, 59, 7, tzinfo=UTC)),
        ("31/31/2025 at 25:61", "dmy", None),
        ("04.06.2025 at 25:61", "dmy", None),
        ("04/06/123", "dmy", None),
        ("no date", "dmy", None),
    ],
)
def test_dates_are_read_by_the_setting_never_guessed(text, order, expected):
    assert moment(text, order) == expected


@pytest.mark.parametrize(
    ("texts", "setting", "expected"),
    [
        (["04/06/2025", "25/06/2025"], "", "dmy"),
        (["04/06/2025", "06/25/2025"], "dmy", "mdy"),
        (["04/06/2025"], "mdy", "mdy"),
        (["04/06/2025"], "", ""),
        (["25/06/2025", "06/25/2025"], "dmy", ""),
        (["04.06.2025"], "mdy", "mdy"),
    ],
)
def test_what_the_dates_of_one_writer_show_stands_above_the_setting(texts, setting, expected):
    assert order_of(texts, setting) == expected


def test_what_was_not_guessed_is_told():
    texts = ["04/06/2025 at 13:59", "05/06/2025 at 14:00", "вчера", "2025-06-04"]

    assert remarks_on(texts, "", SETTING) == (
        "`04/06/2025 at 13:59` has two readings, see `sources.nexus_dates`: 2 times left out.",
        "`вчера` is no date: 1 times left out.",
    )
    assert remarks_on(texts[:2], "dmy", SETTING) == ()
