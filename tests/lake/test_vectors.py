"""Turns as vectors and words: days replaced whole, Russian forms found, persons kept apart."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import DataError
from lake.ids import content_id
from lake.vectors import Vectors, schema

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)
DIMENSIONS = 8
ANYA, BORYA = content_id("Аня"), content_id("Боря")
HOSTILE = ("' or '1'='1", f"{ANYA}' or user_id = '{BORYA}", f"{ANYA}\0", "%", "'; --", ANYA[1:])


def batch(day: date, *texts: str, user: str = ANYA, made_from: str = "1") -> pa.RecordBatch:
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
    rows = [batch(DAY, "ключи"), batch(DAY, "ключи", user=BORYA)]
    vectors.replace(rows, day=DAY, dimensions=DIMENSIONS)

    found = vectors.search("ключи", [1.0] + [0.0] * 7, user_id=BORYA)
    near = vectors.nearest([1.0] + [0.0] * 7, user_id=BORYA)

    assert [BORYA] == [row["user_id"] for row in found]
    assert [BORYA] == [row["user_id"] for row in near]


def test_a_search_keeps_to_one_side(vectors: Vectors) -> None:
    vectors.replace([batch(DAY, "ключи", "где ключи")], day=DAY, dimensions=DIMENSIONS)

    assert 2 == len(vectors.search("ключи", [1.0] + [0.0] * 7, role="user"))
    assert [] == vectors.search("ключи", [1.0] + [0.0] * 7, role="assistant")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_is_no_pseudonym_or_role_is_refused(vectors: Vectors, hostile: str) -> None:
    vectors.replace([batch(DAY, "ключи")], day=DAY, dimensions=DIMENSIONS)

    for filters in ({"user_id": hostile}, {"role": hostile}):
        with pytest.raises(DataError, match="hint:"):
            vectors.search("ключи", [1.0] + [0.0] * 7, **filters)


@settings(max_examples=60)
@given(
    text=st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE)),
    told=st.lists(st.text(alphabet="абв'\"\\;-%_ \0\n", min_size=1, max_size=20), max_size=4),
)
def test_no_turn_of_another_person_is_ever_found(
    tmp_path_factory: pytest.TempPathFactory, text: str, told: list[str]
) -> None:
    vectors = Vectors(tmp_path_factory.mktemp("vectors"))
    rows = [batch(DAY, *told, "ключи"), batch(DAY, *told, text, "ключи", user=BORYA)]
    vectors.replace(rows, day=DAY, dimensions=DIMENSIONS)

    found = vectors.search(text, [1.0] + [0.0] * 7, user_id=ANYA, limit=50)

    assert {ANYA} >= {row["user_id"] for row in found}


def test_what_a_search_filters_by_is_indexed(vectors: Vectors) -> None:
    vectors.replace([batch(DAY, "ключи")], day=DAY, dimensions=DIMENSIONS)

    table = vectors._connect().open_table(vectors.table)
    assert {"text", "user_id"} == {c for i in table.list_indices() for c in i.columns}


def test_an_empty_store_answers(vectors: Vectors) -> None:
    assert ([], 0, set()) == (
        vectors.search("а", [0.0] * 8),
        vectors.count(),
        vectors.made_from(DAY),
    )
