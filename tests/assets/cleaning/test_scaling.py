"""Cleaning takes time in proportion to the text, whatever the text."""

import time

import pytest

from assets.cleaning.text import clean_text

SHORT, LONG = 20_000, 200_000


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "a" + " " * n + "b",
        lambda n: "【" + " " * n,
        lambda n: "a" + "\t" * n + "b",
        lambda n: "1 / 2\n" * (n // 6),
        lambda n: "</s> " * (n // 5) + "a",
        lambda n: "||a" * (n // 3),
        lambda n: "<b>" * (n // 7) + "</b>" * (n // 7),
    ],
    ids=["spaces", "an open bracket", "tabs", "counts", "ends", "bars", "nested tags"],
)
def test_ten_times_the_text_is_not_a_hundred_times_the_work(text) -> None:
    def spent(length: int) -> float:
        started = time.process_time()
        clean_text(text(length))
        return time.process_time() - started

    assert spent(LONG) < 40 * max(spent(SHORT), 0.002)
