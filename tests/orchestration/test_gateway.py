"""What a home hands to its gateway: the tools of each person, over one memory for all."""

import importlib.util
from pathlib import Path

import pytest

from lake.errors import SettingsError
from lake.ids import content_id
from lake.settings import Settings, load
from orchestration import gateway

SPEC = importlib.util.spec_from_file_location(
    "facts", Path(__file__).parents[1] / "assets" / "facts.py"
)
facts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(facts)
ANYA, BORYA = content_id("Аня"), content_id("Боря")
ALL = ["search_memory", "sql", "calculator", "date", "clock"]


def test_the_usual_tools_are_those_that_the_embedded_base_knows(chosen: Settings) -> None:
    lent = gateway.tools_of(chosen, gateway.memory_of(chosen, None))

    assert ["calculator", "clock"] == lent.usual
    assert ALL == [tool.name for tool in lent.of(ANYA)]


def test_a_setting_names_others_or_none(chosen: Settings) -> None:
    every = load(home=chosen.home, serving={"own_tools": ", ".join(reversed(ALL))})
    none = load(home=chosen.home, serving={"own_tools": ""})

    assert set(ALL) == set(gateway.tools_of(every, gateway.memory_of(every, None)).usual)
    assert [] == gateway.tools_of(none, gateway.memory_of(none, None)).usual


def test_a_tool_that_there_is_not_is_told_before_anybody_asks(chosen: Settings) -> None:
    wrong = load(home=chosen.home, serving={"own_tools": "calculator, abacus"})

    with pytest.raises(SettingsError, match=r"(?s)`abacus`.*search_memory, sql"):
        gateway.tools_of(wrong, gateway.memory_of(wrong, None))


def test_a_search_finds_ones_own_memories_and_notes_their_use(chosen: Settings) -> None:
    facts.remember(chosen, ANYA, "твою собаку зовут Буран")
    memory = gateway.memory_of(chosen, None)
    lent = gateway.tools_of(chosen, memory)

    def search(person: str) -> str:
        return {tool.name: tool for tool in lent.of(person)}["search_memory"].run(
            {"text": "собака"}
        )

    assert "- факт: твою собаку зовут Буран" == search(ANYA)
    assert "Ничего такого я не помню." == search(BORYA)
    assert ["твою собаку зовут Буран"] == [used.text for used in memory._used.values()]


def test_a_person_has_one_rate_of_statements_through_all_answers(chosen: Settings) -> None:
    few = load(home=chosen.home, serving={"sql_per_minute": 1})
    lent = gateway.tools_of(few, gateway.memory_of(few, None))

    def ask(person: str) -> str:
        tools = {tool.name: tool for tool in lent.of(person)}  # bound anew for every answer
        return tools["sql"].run({"statement": "from dialogues"})

    told = [ask(ANYA), ask(ANYA), ask(BORYA)]
    assert "Ошибка: Запросов SQL больше 1 в минуту." == " ".join(told[1].split()[:7])
    assert ["Строк нет.", "Строк нет."] == [told[0], told[2]]
