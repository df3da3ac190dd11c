"""What every tool keeps: a schema that is true, and words for whatever comes as arguments."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import LakeError
from models.tools import Tool, openai_schema, tools_of
from models.tools.search_memory import NOTHING, search_memory
from models.tools.sql import sql
from models.tools.tool import MAX_OBSERVATION, taking


@dataclass(frozen=True)
class Rows:
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: bool = False


@dataclass(frozen=True)
class Memory:
    kind: str
    text: str


def refuse(statement: str) -> Rows:
    raise LakeError("There is no table `x` here.", hint="one `select`")


NOW = datetime(2026, 11, 27, 9, 5)  # noqa: DTZ001
TOOLS = tools_of(
    recall=lambda text: [Memory("turn", text)],
    ask=lambda _: Rows(("n",), ((1,),)),
    now=lambda: NOW,
)
BY_NAME = {tool.name: tool for tool in TOOLS}
GOOD: dict[str, dict[str, Any]] = {
    "search_memory": {"text": "собака"},
    "sql": {"statement": "from messages"},
    "calculator": {"expression": "2+2"},
    "date": {"what": "today"},
    "clock": {},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def test_there_is_one_tool_of_each_name_in_order() -> None:
    assert list(GOOD) == list(BY_NAME)


@pytest.mark.parametrize("name", GOOD)
def test_right_arguments_get_an_answer(name: str) -> None:
    assert not BY_NAME[name].run(GOOD[name]).startswith("Ошибка")


@pytest.mark.parametrize("tool", TOOLS, ids=BY_NAME)
def test_the_schema_is_one_and_says_what_is_let_through(tool: Tool) -> None:
    jsonschema.Draft202012Validator.check_schema(tool.parameters)
    jsonschema.validate(GOOD[tool.name], tool.parameters)

    assert all(about["description"] for about in tool.parameters["properties"].values())


def test_openai_is_told_of_every_tool() -> None:
    listed = openai_schema(TOOLS)

    assert ["function"] * len(TOOLS) == [entry["type"] for entry in listed]
    assert list(BY_NAME) == [entry["function"]["name"] for entry in listed]
    assert {"name", "description", "parameters"} == set(listed[0]["function"])


@given(st.sampled_from(TOOLS), json_values)
def test_no_arguments_raise(tool: Tool, arguments: Any) -> None:
    assert tool.run(arguments)


names = st.sampled_from(["text", "what", "expression", "first", "statement"])


@given(st.sampled_from(TOOLS), st.dictionaries(names, json_values))
def test_what_the_schema_refuses_is_an_observation(tool: Tool, arguments: dict[str, Any]) -> None:
    is_valid = jsonschema.Draft202012Validator(tool.parameters).is_valid(arguments)

    assert is_valid or tool.run(arguments).startswith("Ошибка")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"expression": "2+2"}', "4"),
        ("", "Ошибка: Нет аргумента `expression`. Аргументы: `expression`."),
        ("{", "Ошибка: Аргументы — не JSON."),
        ("[" * 100_000, "Ошибка: Аргументы слишком длинные."),
        ("[" * 19_000, "Ошибка: Аргументы — не JSON."),
        ("[1]", "Ошибка: Аргументы — не объект JSON."),
        ({"expression": 4}, "Ошибка: `expression` должно быть строкой."),
        ({"expression": "1", "x": 2}, "Ошибка: Аргумента `x` здесь нет."),
    ],
)
def test_bad_arguments_are_told_with_what_is_right(arguments: Any, told: str) -> None:
    assert BY_NAME["calculator"].run(arguments).startswith(told)


def test_half_a_surrogate_pair_in_arguments_breaks_no_observation() -> None:
    told = BY_NAME["search_memory"].run('{"text": "\\ud800"}')

    assert "- сказано: ?" == told
    assert told.encode()


def test_a_long_observation_is_cut() -> None:
    long = Tool("long", "", taking(), lambda _: "я" * 100_000)

    assert MAX_OBSERVATION == len(long.run({}))


def test_memories_are_lines_with_what_they_are_before_what_was_said() -> None:
    said, told = Memory("turn", "Гулял  с\nсобакой"), Memory("fact", "твою собаку зовут Буран")
    tool = search_memory(lambda _: [said, told, Memory("summary", " "), Memory("fact", told.text)])

    lines = tool.run({"text": "собака"}).splitlines()
    assert ["- факт: твою собаку зовут Буран", "- сказано: Гулял с собакой"] == lines
    assert NOTHING == search_memory(lambda _: []).run({"text": "x"})
    assert tool.run({"text": " "}).startswith("Ошибка: `text` пуст.")


def test_memories_are_few_and_short() -> None:
    tool = search_memory(lambda _: [Memory("turn", f"{n} {'я' * 999}") for n in range(50)])

    lines = tool.run({"text": "собака"}).splitlines()
    assert 10 == len(lines)
    assert "- сказано: 0 " + "я" * 297 + "…" == lines[0]


def test_rows_are_lines_and_what_is_left_out_is_said() -> None:
    few = sql(lambda _: Rows(("role", "n"), (("user", 2), (None, "а\nб"))))
    many = sql(lambda _: Rows(("n",), tuple((n,) for n in range(50))))

    assert "role | n\nuser | 2\n | а б" == few.run({"statement": "x"})
    assert "(показано не всё: спроси о меньшем)" == many.run({"statement": "x"}).splitlines()[-1]
    assert "Строк нет." == sql(lambda _: Rows(("n",), ())).run({"statement": "x"})


def test_what_may_not_be_asked_is_an_observation() -> None:
    told = sql(refuse).run({"statement": "from x"})

    assert "Ошибка: There is no table `x` here. One `select`." == told
