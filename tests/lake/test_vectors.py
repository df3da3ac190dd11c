"""Turns as vectors and words: days replaced whole, Russian forms found, persons kept apart."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from lake.vectors import Vectors, schema

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)
DIMENSIONS = 8


def batch(day: date, *texts: str, user: str = "u", made_from: str = "1") -> pa.RecordBatch:
    count = len(texts)
    vectors = [[float(n == i % DIMENSIONS) for n in range(DIMENSIONS)] for i in range(count)]
    return pa.RecordBatch.from_pydict(
        {
            "id": [f"{day}/{user}/{i}" for i in range(count)],
            "day": [str(day)] * count,
            "dialogue_id": ["d"] * count,
            "revision": ["r"] * count,
            "position": list(range(count)),
            "role": ["user"] * count,
            "user_id": [user] * count,
            "text": list(texts),
            "encoder_id": ["e"] * count,
            "made_from": [made_from] * count,
            "vector": pa.array(vectors, pa.list_(pa.float32(), DIMENSIONS)),
        },
        schema=schema(DIMENSIONS),
    )


@pytest.fixture
def vectors(tmp_path: Path) -> Vectors:
    return Vectors(tmp_path)


def test_a_day_is_replaced_whole(vectors: Vectors) -> None:
    vectors.replace([batch(DAY, "раз", "два", "три")], day=DAY, dimensions=DIMENSIONS)
    vectors.replace([batch(NEXT, "четыре")], day=NEXT, dimensions=DIMENSIONS)
    vectors.replace([batch(DAY, "пять", made_from="2")], day=DAY, dimensions=DIMENSIONS)

    assert (2, {"2"}, {"1"}) == (vectors.count(), vectors.made_from(DAY), vectors.made_from(NEXT))


def test_a_day_can_become_empty(vectors: Vectors) -> None:
    vectors.replace([batch(DAY, "раз")], day=DAY, dimensions=DIMENSIONS)
    vectors.replace([], day=DAY, dimensions=DIMENSIONS)

    assert (0, set()) == (vectors.count(), vectors.made_from(DAY))


def test_other_forms_of_a_word_are_found(vectors: Vectors) -> None:
    texts = ["Заказы приходят утром", "Где мои ключи?", "Погода хорошая"]
    vectors.replace([batch(DAY, *texts)], day=DAY, dimensions=DIMENSIONS)

    found = vectors.search("заказ, ключ; (что)?", [0.0] * 7 + [1.0], limit=2)

    assert set(texts[:2]) == {row["text"] for row in found}


def test_a_search_keeps_to_one_person(vectors: Vectors) -> None:
    rows = [batch(DAY, "ключи", user="a"), batch(DAY, "ключи", user="b")]
    vectors.replace(rows, day=DAY, dimensions=DIMENSIONS)

    found = vectors.search("ключи", [1.0] + [0.0] * 7, user_id="b")

    assert ["b"] == [row["user_id"] for row in found]


def test_an_empty_store_answers(vectors: Vectors) -> None:
    assert ([], 0, set()) == (
        vectors.search("а", [0.0] * 8),
        vectors.count(),
        vectors.made_from(DAY),
    )
