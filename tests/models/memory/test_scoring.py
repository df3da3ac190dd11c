"""Recency, importance and relevance: scaled over the candidates, summed by weight."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.memory.scoring import DECAY_PER_HOUR, Candidate, Weights, decayed, scaled, score

NOW = datetime(2026, 1, 10, tzinfo=UTC)
EQUAL = Weights(1, 1, 1)


def used(hours_ago: float, importance: float = 5, relevance: float = 0.5) -> Candidate:
    return Candidate(NOW - timedelta(hours=hours_ago), importance, relevance)


def test_recency_decays_by_the_hour_since_the_last_use() -> None:
    assert DECAY_PER_HOUR**24 == pytest.approx(decayed(NOW - timedelta(days=1), NOW, 0.995))
    assert 1.0 == decayed(NOW + timedelta(hours=1), NOW, 0.995)


def test_what_was_used_last_is_the_most_recent() -> None:
    """The published code gives the oldest the highest recency."""
    old, new = score([used(100), used(1)], NOW, EQUAL)

    assert (0.0, 1.0) == (old.recency, new.recency)
    assert new.score > old.score


def test_the_more_important_and_the_more_relevant_come_first() -> None:
    low, high = score([used(1, importance=2), used(1, importance=9)], NOW, EQUAL)
    far, near = score([used(1, relevance=0.1), used(1, relevance=0.2)], NOW, EQUAL)

    assert high.score > low.score
    assert near.score > far.score


def test_a_weight_of_nothing_counts_for_nothing() -> None:
    only = Weights(0, 0, 1)
    far, near = score([used(0, 10, 0.1), used(900, 1, 0.2)], NOW, only)

    assert (0.0, 1.0) == (far.score, near.score)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_scaled_values_lie_between_nothing_and_one_in_the_same_order(values: list[float]) -> None:
    found = scaled(values)

    assert all(0 <= value <= 1 for value in found)
    assert sorted(range(len(values)), key=values.__getitem__) == sorted(
        range(len(found)), key=lambda n: (found[n], values[n], n)
    )


def test_equal_values_are_one_half() -> None:
    assert [0.5, 0.5] == scaled([3, 3])
    assert [] == score([], NOW, EQUAL)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(1, 10), st.floats(0, 1)), max_size=10))
def test_a_score_lies_between_nothing_and_one(rows: list[tuple[float, float, float]]) -> None:
    found = score([used(*row) for row in rows], NOW, Weights(0.5, 2, 3))

    assert all(0 <= s.score <= 1 + 1e-9 for s in found)
