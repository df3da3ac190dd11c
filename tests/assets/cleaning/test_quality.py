"""Quality is 0..1 and moves the way one would say: it ranks near-duplicates."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cleaning.quality import cut_off, quality

GOOD = {
    "answer_characters": 400,
    "characters": 500,
    "answers": 2,
    "letters": 400,
    "cut_off": 0,
    "marks": 0,
}


def of(**changes: int) -> float:
    return pl.DataFrame([GOOD | changes]).select(quality()).item()


def test_longer_answers_are_better():
    lengths = [0, 10, 100, 1_000, 100_000]

    found = [of(answer_characters=n, characters=n + 100, letters=n + 100) for n in lengths]

    assert found == sorted(found)
    assert len(set(found)) == len(lengths)


@pytest.mark.parametrize("worse", [{"marks": 1}, {"cut_off": 1}, {"letters": 100}])
def test_faults_make_it_worse(worse):
    assert of(**worse) < of()


def test_more_faults_make_it_worse_still():
    assert of(marks=2) < of(marks=1)
    assert of(cut_off=2) < of(cut_off=1)
    assert of(marks=1) < of(marks=1, characters=10_000, letters=8_000)


@given(
    st.fixed_dictionaries(
        {"answers": st.integers(0, 9), "marks": st.integers(0, 9), "cut_off": st.just(0)}
        | dict.fromkeys(("answer_characters", "characters", "letters"), st.integers(0, 10**6))
    )
)
def test_it_lies_between_nought_and_one(row):
    assert 0 <= of(**row) <= 1


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("Степь широка.", False),
        ("Хорошо", False),
        ("Хорошо,", True),
        ("Вот код:\n```py\nx = 1", True),
        ("Вот код:\n```py\nx = 1\n```", False),
        ("слово " * 30 + "и ещё", True),
        ("слово " * 30 + "конец.", False),
        ("слово " * 30 + "\n- пункт", False),
        ("слово " * 30 + "#степь #кони", False),
    ],
)
def test_an_answer_that_stops_in_the_middle_is_cut_off(text, is_cut):
    assert pl.DataFrame({"text": [text]}).select(cut_off("text")).item() == is_cut
