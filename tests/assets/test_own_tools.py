"""A person's tools over a real home: their rows and their turns, and nobody else's."""

import importlib.util
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import pytest

from assets.embeddings import _table_of
from assets.own_tools import Statements, own_tools
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import Vectors
from models.encoders import load_encoder


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


two_people = loaded(Path(__file__).parents[1] / "lake" / "two_people.py")
facts = loaded(Path(__file__).with_name("facts.py"))
OWN, OTHER = two_people.OWN, two_people.OTHER
NOW = datetime(2026, 11, 27, 9, 5, tzinfo=UTC)


@pytest.fixture
def home(chosen: Settings, lake: Lake) -> Settings:
    """Two people's dialogues, cleaned and embedded; one of them told of a dog besides."""
    two_people.fill(lake)
    told = two_people.dialogue(OWN, "четыре", "Мою собаку зовут Буран.", "Запомнил.")
    encoder = load_encoder(chosen.encoder, models_dir=chosen.models_dir)
    for number in (1, 2, 3):
        day = date(2026, 1, number)
        rows = lake.rows("cleaned_dialogues", where=f"day = DATE '{day}'") or [told]
        turns = [(row, at) for row in rows for at in range(len(row["messages"]))]
        vectors = encoder.encode([row["messages"][at]["content"] for row, at in turns])
        table = _table_of(turns, vectors, encoder, day, "1" * 32)
        Vectors(chosen.home).replace(table.to_batches(), day=day, dimensions=encoder.dimensions)
    return chosen


def run(settings: Settings, user_id: str, tool: str, **arguments: str) -> str:
    by_name = {t.name: t for t in own_tools(settings, user_id, now=lambda: NOW)}
    return by_name[tool].run(arguments)


def test_memory_is_searched_by_meaning_in_ones_own_turns(home: Settings) -> None:
    assert "- сказано: Мою собаку зовут Буран." in run(
        home, OWN, "search_memory", text="кличка собаки"
    )
    assert two_people.OTHERS_WORDS not in run(home, OWN, "search_memory", text="чужие слова")
    assert two_people.OTHERS_WORDS in run(home, OTHER, "search_memory", text="чужие слова")


def test_a_memory_comes_before_what_was_said(home: Settings) -> None:
    text = "твою собаку зовут Буран"
    facts.remember(home, OWN, text)

    found = run(home, OWN, "search_memory", text="кличка собаки").splitlines()
    assert f"- факт: {text}" == found[0]
    assert found[1].startswith("- сказано: ")
    assert text not in run(home, OTHER, "search_memory", text="кличка собаки")


def test_rows_are_ones_own(home: Settings) -> None:
    asked = "select count(*) as n from messages"

    assert "n\n4" == run(home, OWN, "sql", statement=asked)
    assert "n\n2" == run(home, OTHER, "sql", statement=asked)
    assert "n\n0" == run(home, "c" * 32, "sql", statement=asked)


def test_what_may_not_be_asked_is_words(home: Settings) -> None:
    told = run(home, OWN, "sql", statement="from cleaned_dialogues")

    assert told.startswith("Ошибка: There is no table `cleaned_dialogues` here.")


def test_memories_may_come_from_elsewhere(home: Settings) -> None:
    @dataclass(frozen=True)
    class Thought:
        kind: str
        text: str

    tools = own_tools(home, OWN, recall=lambda text: [Thought("reflection", f"про {text}")])

    assert "- вывод: про сурка" == tools[0].run({"text": "сурка"})


def asking(settings: Settings, statements: Statements, user_id: str = OWN) -> str:
    by_name = {t.name: t for t in own_tools(settings, user_id, statements=statements)}
    return by_name["sql"].run({"statement": "select count(*) as n from messages"})


def test_statements_are_so_many_a_minute_and_refused_in_words(home: Settings) -> None:
    seconds = [0.0]
    statements = Statements(2, clock=lambda: seconds[0])

    told = [asking(home, statements) for _ in range(3)]
    assert ["n\n4", "n\n4"] == told[:2]
    assert "Ошибка: Запросов SQL больше 2 в минуту. Подожди 30 с или ответь без него." == told[2]
    assert "n\n2" == asking(home, statements, OTHER)
    seconds[0] = 30.0
    assert "n\n4" == asking(home, statements)


def test_a_person_asks_one_statement_at_a_time(home: Settings) -> None:
    statements = Statements(100)
    with statements.one(OWN):
        assert asking(home, statements).startswith("Ошибка: Прежний запрос ещё идёт.")
        assert "n\n2" == asking(home, statements, OTHER)

    assert "n\n4" == asking(home, statements)
    with pytest.raises(ZeroDivisionError), statements.one(OWN):
        _ = 1 / 0
    assert "n\n4" == asking(home, statements)


def test_an_empty_home_answers_too(chosen: Settings) -> None:
    assert "Ничего такого я не помню." == run(chosen, OWN, "search_memory", text="собака")
    assert "Строк нет." == run(chosen, OWN, "sql", statement="from dialogues")


def test_the_clock_is_of_this_place_unless_another_is_given(chosen: Settings) -> None:
    here = {t.name: t for t in own_tools(chosen, OWN)}

    assert "09:05" == run(chosen, OWN, "clock")
    assert f"{datetime.now(UTC).astimezone().year} года" in here["date"].run({"what": "today"})
