"""One memory of many tellings: the same for any order, the newer where two contradict."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.memory import Observation
from models.memory.claims import claims
from models.memory.merging import merge

TIME = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = (
    *("ты живёшь в Омске", "ты живёшь в Туле", "в Омске ты живёшь", "ты не живёшь в Омске"),
    *("твою собаку зовут Буран", "твою собаку зовут Бим", "собаку твою зовут Буран"),
    *("у тебя красный зонт", "твой зонт красный", "твой зонт синий", "ты любишь чай с мятой"),
    *("к врачу тебе в среду", "к врачу тебе в пятницу в десять часов", "ты любишь чай с мёдом"),
    *("по средам ты рисуешь", "по субботам ты рисуешь", "цветы надо поливать по субботам"),
    *("цветы надо поливать по средам", "!!!", "твоей бабушке 80 лет", "твоей бабушке 81 год"),
)


def seen(*texts: str) -> list[Observation]:
    """Return tellings an hour apart, in this order."""
    return [
        Observation(text, 5, TIME + timedelta(hours=n), (f"d/{n}",)) for n, text in enumerate(texts)
    ]


def standing(*texts: str) -> list[str]:
    return [m.text for m in merge(seen(*texts)) if not m.replaced_by]


def test_the_same_in_other_order_and_form_is_one_memory_with_all_its_sources() -> None:
    (memory,) = merge(seen("твою собаку зовут Буран", "собаку твою зовут Буран"))

    assert "твою собаку зовут Буран" == memory.text
    assert ("d/0", "d/1") == memory.sources
    assert (TIME, TIME + timedelta(hours=1)) == (memory.told_at, memory.last_told_at)


def test_the_same_said_otherwise_is_one_memory() -> None:
    (memory,) = merge(seen("у тебя красный зонт", "твой зонт красный"))

    assert ("у тебя красный зонт", "твой зонт красный") == memory.texts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ты живёшь в Туле", "ты живёшь в Омске"),
        ("твою собаку зовут Бим", "твою собаку зовут Буран"),
        ("твоей бабушке 80 лет", "твоей бабушке 81 год"),
        ("твой зонт синий", "у тебя красный зонт"),
        ("твои ключи лежат на полке", "твои ключи лежат в сумке"),
        ("номер твоего билета 12", "номер твоего билета 13"),
        ("день рождения у сестры пятого мая", "день рождения у сестры шестого мая"),
        ("твоя любимая песня — «Ива»", "твоя любимая песня — «Дуб»"),
        ("ты работаешь поваром", "ты работаешь врачом"),
        ("к врачу тебе в среду", "к врачу тебе в пятницу"),
        ("цветы надо поливать по средам", "цветы надо поливать по субботам"),
        ("ты ешь рыбу", "ты не ешь рыбу"),
    ],
)
def test_the_newer_value_stands_and_the_older_stays_in_history(old: str, new: str) -> None:
    first, second = merge(seen(old, new))

    assert (new, "") == (first.replaced_by, second.replaced_by)
    assert TIME + timedelta(hours=1) == first.replaced_at


@pytest.mark.parametrize(
    "pair",
    [
        ("ты любишь чай с мятой", "ты любишь чай с мёдом"),
        ("по средам ты рисуешь", "по субботам ты рисуешь"),
        ("ты работаешь поваром", "ты работаешь на вокзале"),
        ("твой брат живёт в Омске", "твоя сестра живёт в Туле"),
        ("твою собаку зовут Буран", "твою кошку зовут Мурка"),
        ("твоей бабушке 80 лет", "твоей маме 50 лет"),
    ],
)
def test_what_can_both_be_true_stands(pair: tuple[str, str]) -> None:
    assert list(pair) == standing(*pair)


def test_what_is_told_again_stands_again() -> None:
    assert ["ты живёшь в Туле"] == standing(
        "ты живёшь в Туле", "ты живёшь в Омске", "ты живёшь в Туле"
    )


def test_a_chain_of_values_names_each_successor() -> None:
    memories = merge(seen("ты живёшь в Туле", "ты живёшь в Омске", "ты живёшь в Уфе"))

    assert ["ты живёшь в Омске", "ты живёшь в Уфе", ""] == [m.replaced_by for m in memories]


def test_the_last_claim_of_every_fact_is_that_it_is_so() -> None:
    assert "so" == claims("ты любишь чай")[-1].key[0]
    assert claims("ты любишь чай")[-1].key == claims("ты не любишь чай")[-1].key


@given(st.lists(st.sampled_from(TOLD), max_size=12), st.integers(0, 1000))
def test_the_order_in_which_days_are_read_changes_nothing(texts: list[str], seed: int) -> None:
    told = seen(*texts)
    mixed = random.Random(seed).sample(told, len(told))

    assert merge(told) == merge(mixed)


@given(st.lists(st.sampled_from(TOLD), max_size=12))
def test_no_source_is_lost_and_each_belongs_to_one_memory(texts: list[str]) -> None:
    memories = merge(seen(*texts))

    sources = [source for memory in memories for source in memory.sources]
    assert sorted(f"d/{n}" for n in range(len(texts))) == sorted(sources)
    stand = {m.text for m in memories}
    assert {m.replaced_by for m in memories} - {""} <= stand
    assert not memories or any(not m.replaced_by for m in memories)
