"""What comes to mind: of one person alone, the best first, facts and turns but no questions."""

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assets.recollection import ASKED_CHARACTERS, Recollection, _end_of
from lake.errors import DataError
from lake.ids import content_id
from lake.memories import Memories, memory_id_of
from lake.settings import Settings, load
from lake.vectors import Vectors, schema
from models.encoders import DIMENSIONS, load_encoder

SPEC = importlib.util.spec_from_file_location("facts", Path(__file__).with_name("facts.py"))
facts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(facts)
remember = facts.remember
ANYA, BORYA = content_id("Аня"), content_id("Боря")
NOW, DAY = datetime(2026, 1, 10, tzinfo=UTC), date(2026, 1, 1)
FACTS = ("твою собаку зовут Буран", "ты живёшь в Омске", "твой зонт висит за дверью")
HOSTILE = ("' or '1'='1", f"{ANYA}' or user_id = '{BORYA}", "", "%", ANYA.upper(), f"{ANYA}\0")


def say(settings: Settings, user: str, *texts: str, dialogue: str = "said") -> None:
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
    count = len(texts)
    flat = pa.array(encoder.encode(list(texts)).ravel())
    batch = pa.RecordBatch.from_pydict(
        {
            "id": [f"{dialogue}/r/{n}" for n in range(count)],
            "day": [str(DAY)] * count,
            "dialogue_id": [dialogue] * count,
            "revision": ["r"] * count,
            "position": list(range(count)),
            "role": ["user"] * count,
            "user_id": [user] * count,
            "text": list(texts),
            "encoder_id": [encoder.encoder_id] * count,
            "made_from": ["1"] * count,
            "vector": pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS),
        },
        schema=schema(DIMENSIONS),
    )
    Vectors(settings.home).replace([batch], day=DAY, dimensions=DIMENSIONS)


@pytest.fixture
def mind(chosen: Settings) -> Recollection:
    return Recollection(chosen.home, chosen)


def words(mind: Recollection, text: str, user: str = ANYA) -> list[str]:
    return [recalled.text for recalled in mind.about(user, text, NOW)]


def test_nothing_comes_to_mind_at_first(mind: Recollection) -> None:
    assert [] == mind.about(ANYA, "Как зовут мою собаку?", NOW)
    assert "" == mind.version(ANYA)


def test_the_fact_that_is_asked_for_comes_first(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, *FACTS)

    assert FACTS[0] == words(mind, "Как зовут мою собаку?")[0]
    assert FACTS[1] == words(mind, "Где я живу?")[0]
    assert FACTS[2] == words(mind, "А где мой зонт?")[0]


def test_nothing_far_from_what_was_said_comes_to_mind(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, *FACTS)

    assert [] == words(mind, "Привет!")
    assert [] == words(mind, "…")


def test_of_a_long_text_its_end_is_asked_with(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, *FACTS)
    asked = "Как зовут мою собаку? " * 50

    assert FACTS[0] == words(mind, "шум и гам " * 5000 + asked)[0]


@pytest.mark.parametrize("text", ["слово " * 900, "с" * 5000, "с" * 5000 + " ", "слово", ""])
def test_the_end_of_a_text_begins_with_a_whole_word(text: str) -> None:
    end = _end_of(text)

    assert text.endswith(end)
    assert min(len(text), ASKED_CHARACTERS) - len("слово ") <= len(end) <= ASKED_CHARACTERS
    assert set(end.split()) <= set(text.split()) or " " not in text.strip()


def test_only_so_many_come_to_mind(chosen: Settings) -> None:
    few = load(home=chosen.home, memory={"limit": 2})
    remember(few, ANYA, *(f"твоя собака номер {n} спит" for n in range(20)))

    assert 2 == len(Recollection(few.home, few).about(ANYA, "собака спит", NOW))


def test_a_turn_that_became_no_memory_comes_to_mind(mind: Recollection, chosen: Settings) -> None:
    say(chosen, ANYA, "Собака опять лаяла на поезд", "Почему лает собака?", "Напомни про собаку")

    (recalled,) = mind.about(ANYA, "Почему лает собака?", NOW)
    assert ("turn", ("said/0",)) == (recalled.kind, recalled.sources)


def test_a_memory_stands_for_the_turn_it_comes_from(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, *FACTS)
    say(chosen, ANYA, "Мою собаку зовут Буран", dialogue="d")

    assert ["fact"] == [r.kind for r in mind.about(ANYA, "Как зовут мою собаку?", NOW)][:1]
    assert "Мою собаку зовут Буран" not in words(mind, "Как зовут мою собаку?")


def test_turns_can_be_left_out(chosen: Settings) -> None:
    only = load(home=chosen.home, memory={"turns": False})
    say(only, ANYA, "Собака опять лаяла на поезд")

    assert [] == words(Recollection(only.home, only), "Собака лаяла")


def test_of_equal_memories_the_one_used_last_comes_first(
    mind: Recollection, chosen: Settings
) -> None:
    remember(chosen, ANYA, "твой чай стоит слева", "твой чай стоит справа")
    second = memory_id_of(ANYA, "fact", "твой чай стоит справа")
    Memories(chosen.home).touch([second], NOW + timedelta(hours=1))
    found = mind.about(ANYA, "чай", NOW + timedelta(hours=2))

    assert second == found[0].memory_id
    assert found[0].recency > found[1].recency


def test_use_is_noted_for_memories_alone(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, *FACTS, told=NOW - timedelta(days=9))
    say(chosen, ANYA, "Собака опять лаяла на поезд")
    before = mind.version(ANYA)
    mind.touch(mind.about(ANYA, "собака", NOW), NOW)

    used = {r["text"] for r in Memories(chosen.home).list(ANYA) if r["last_used_at"] == NOW}
    assert FACTS[0] in used
    assert before == mind.version(ANYA)


def test_what_is_written_by_another_process_is_seen(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, FACTS[0])
    assert [FACTS[0]] == words(mind, "собака")
    remember(chosen, ANYA, "твою собаку зовут Бим")

    assert ["твою собаку зовут Бим"] == words(mind, "собака")


def test_what_is_forgotten_under_a_reader_is_gone(mind: Recollection, chosen: Settings) -> None:
    remember(chosen, ANYA, *FACTS)
    assert words(mind, "собака")
    Memories(chosen.home).forget(user_id=ANYA)

    assert [] == words(mind, "собака")


@pytest.mark.parametrize("user_id", HOSTILE)
def test_nobody_passes_a_filter(mind: Recollection, chosen: Settings, user_id: str) -> None:
    remember(chosen, ANYA, *FACTS)

    with pytest.raises(DataError, match="hint:"):
        mind.about(user_id, "собака", NOW)


@hypothesis_settings(max_examples=40)
@given(text=st.one_of(st.text(max_size=80), st.sampled_from([*HOSTILE, *FACTS])))
def test_nothing_of_another_person_ever_comes_to_mind(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    settings = load(home=tmp_path_factory.getbasetemp() / "shared-home")
    if not Memories(settings.home).exists():
        remember(settings, ANYA, *FACTS)
        remember(settings, BORYA, *(f"{fact} и поёт" for fact in FACTS), "' or '1'='1")
        say(settings, BORYA, "Собака Бори лает", "' or user_id != ''")

    found = Recollection(settings.home, settings).about(ANYA, text, NOW)

    assert {memory_id_of(ANYA, "fact", fact) for fact in FACTS} >= {r.memory_id for r in found}
