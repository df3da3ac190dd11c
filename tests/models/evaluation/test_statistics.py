"""Intervals hold what they promise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.backends import Loss
from models.evaluation.statistics import improvement, mean_loss, paired, wilson


@given(n=st.integers(1, 500), data=st.data())
def test_wilson_holds_the_share_and_stays_between_0_and_1(n, data):
    k = data.draw(st.integers(0, n))

    interval = wilson(k, n)

    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_wilson_is_the_published_one():
    """Newcombe 1998, table I, method 3: 15 of 148."""
    interval = wilson(15, 148)

    assert (round(interval.low, 4), round(interval.high, 4)) == (0.0624, 0.1605)


def losses(seed, n, shift=0.0, noise=0.1):
    rng = random.Random(seed)
    return [Loss((2.0 - shift + rng.gauss(0, noise)) * 10, 10) for _ in range(n)]


def test_a_real_gain_excludes_zero():
    assert improvement(losses(1, 60), losses(2, 60, shift=0.3), seed=0).low > 0.2


def test_the_interval_holds_no_gain_about_95_times_in_100():
    """Binomial(100, .95) is below 89 about once in 100 draws, below 86 once in ten thousand."""
    pairs = [(losses(2 * i, 60), losses(2 * i + 1, 60)) for i in range(100)]
    intervals = [improvement(before, after, seed=0) for before, after in pairs]

    assert sum(i.low <= 0 <= i.high for i in intervals) >= 86


def test_the_interval_is_a_function_of_the_seed():
    before, after = losses(1, 30), losses(2, 30)

    assert improvement(before, after, seed=4) == improvement(before, after, seed=4)
    assert improvement(before, after, seed=4) != improvement(before, after, seed=5)


def test_tokens_weigh_not_dialogues():
    assert mean_loss([Loss(10.0, 10), Loss(50.0, 30)], seed=0).value == 1.5


def test_nothing_compared_decides_nothing():
    nothing = improvement([], [], seed=0)

    assert nothing.low < 0 < nothing.high
    assert nothing.low == improvement(losses(1, 1), losses(2, 1), seed=0).low


def test_the_ends_are_those_of_students_t_where_the_bootstrap_has_a_closed_form():
    """The mean of 1 to 10: 5.5, t(.975, 9) = 2.2622, standard error .9574."""
    interval = paired([float(n) for n in range(1, 11)], seed=0)

    assert 5.5 == interval.value
    assert pytest.approx(2.2622 * 0.9574, rel=0.05) == interval.high - interval.value


@given(st.floats(0.5, 0.999), st.floats(0.5, 0.999))
def test_a_higher_level_is_wider_whatever_the_data(one, other):
    values = [0.1, -0.2, 0.4, 0.3, 0.05, 0.2]
    narrow, wide = (paired(values, seed=1, level=x) for x in sorted((one, other)))

    assert wide.low <= narrow.low <= narrow.high <= wide.high
