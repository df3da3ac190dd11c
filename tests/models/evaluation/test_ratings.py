"""Ratings: the published column comes out, order decides a single pass, and intervals hold."""

import random

import pytest

from models.evaluation import pairwise
from models.evaluation.judges import people
from models.evaluation.ratings import Match, bradley_terry, elo, elo_in_order

# QLoRA, arXiv 2305.14314, table 1, Vicuna prompts; 13B as in its text, table 7 misprints 913.
PUBLISHED = {
    "answer-gpt4": 1348,
    "65b-guanaco": 1022,
    "30b-guanaco": 992,
    "answer-vicuna-13b": 974,
    "answer-gpt35": 966,
    "13b-guanaco": 916,
    "answer-bard": 902,
    "7b-guanaco": 879,
}
SINGLE_PASS = {
    "answer-gpt4": 1477.934465,
    "answer-vicuna-13b": 1173.001358,
    "answer-gpt35": 1106.628777,
    "65b-guanaco": 967.917745,
    "answer-bard": 921.395552,
    "30b-guanaco": 861.591789,
    "7b-guanaco": 747.457419,
    "13b-guanaco": 744.072896,
}


def short(name: str) -> str:
    return name.removesuffix("-vicuna-generations-topp0.9-temp0.7")


@pytest.fixture(scope="module")
def played(shared_data) -> list[Match]:
    judged = people.reviews(shared_data / "qlora" / "vicuna_pairwise")
    return pairwise.matches(judged)


def test_the_published_column_is_reproduced_within_a_point(played: list[Match]) -> None:
    ratings = {short(r.player): r.value for r in elo(played, permutations=2000)}

    assert 4467 == len(played)
    assert PUBLISHED.keys() == ratings.keys()
    assert 1.0 >= max(abs(ratings[name] - value) for name, value in PUBLISHED.items())


def test_the_published_constant_is_not_the_stated_one(played: list[Match]) -> None:
    """The paper says K = 32; with it the column is off by tens."""
    ratings = {short(r.player): r.value for r in elo(played, k=32.0, permutations=200)}

    assert 20 < max(abs(ratings[name] - value) for name, value in PUBLISHED.items())


def test_a_single_pass_is_exact(played: list[Match]) -> None:
    ratings = {short(name): value for name, value in elo_in_order(played, k=32.0).items()}

    assert SINGLE_PASS == pytest.approx(ratings, abs=1e-6)


def test_bradley_terry_finds_what_logistic_regression_finds(played: list[Match]) -> None:
    expected = [1366.3, 1020.4, 989.2, 971.5, 963.9, 913.2, 899.2, 876.3]

    ratings = bradley_terry(played, bootstrap=50)

    assert expected == pytest.approx([r.value for r in ratings], abs=0.1)
    assert all(r.low < r.value < r.high for r in ratings)


def test_one_order_is_elo_in_that_order() -> None:
    matches = [Match("a", "b", 1.0)]

    assert elo_in_order(matches) == {r.player: r.value for r in elo(matches, permutations=3)}


def test_the_stronger_is_found_and_the_interval_holds_the_truth() -> None:
    """A win of ten to one is 400 points."""
    rng = random.Random(0)
    matches = [Match("strong", "weak", float(rng.random() < 10 / 11)) for _ in range(2000)]

    strong, weak = bradley_terry(matches, bootstrap=200)

    assert ("strong", "weak") == (strong.player, weak.player)
    assert strong.low - weak.high < 400 < strong.high - weak.low


def test_who_always_wins_has_a_finite_rating() -> None:
    ratings = bradley_terry([Match("a", "b", 1.0)] * 20, bootstrap=20)

    assert 1000 < ratings[0].value < 3000


def test_ratings_are_a_function_of_the_seed() -> None:
    matches = [Match("a", "b", 1.0), Match("b", "c", 1.0), Match("c", "a", 0.5)] * 5

    assert elo(matches, permutations=20, seed=1) == elo(matches, permutations=20, seed=1)
    assert bradley_terry(matches, bootstrap=20) == bradley_terry(matches, bootstrap=20)
