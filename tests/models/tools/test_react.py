"""The loop of thinking, calling and answering, in both dialects."""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.backends.embedded import TransformersModel
from models.base import find_base
from models.primer.formats.tools import call as primer_call
from models.tools.calculator import calculator
from models.tools.clock import clock
from models.tools.dialects import Asked, AssistantTurn, answer_so_far
from models.tools.react import (
    MALFORMED,
    NATIVE,
    SCHOOLED,
    TOO_LONG,
    Ask,
    Call,
    Reasoning,
    answer,
)

SHARED_MODELS = Path(
    os.environ.get("STEPPE_TEST_MODELS", Path(__file__).parents[3] / ".steppe" / "test-models")
)
NOW = datetime(2026, 11, 27, 9, 5)  # noqa: DTZ001
TOOLS = (calculator(), clock(lambda: NOW))
QUESTION = [{"role": "user", "content": "Сколько будет 37 плюс 45?"}]


def saying(*turns: AssistantTurn, seen: list[Any] | None = None) -> Ask:
    """Return a model that says these turns in order, the last one for ever."""
    left = list(turns)

    def ask(messages: Sequence[dict], tools: Sequence[dict]) -> AssistantTurn:
        if seen is not None:
            seen.append((list(messages), list(tools)))
        return left.pop(0) if len(left) > 1 else left[0]

    return ask


def calling(expression: str, *, said: str = "", name: str = "calculator") -> AssistantTurn:
    arguments = json.dumps({"expression": expression})
    return AssistantTurn(said, (Asked(name, arguments, "id1"),))


def test_a_call_is_made_and_its_result_used() -> None:
    seen: list[Any] = []
    ask = saying(
        calling("37+45", said="Надо сложить."), AssistantTurn("37 плюс 45 будет 82."), seen=seen
    )

    found = answer(ask, QUESTION, TOOLS)

    assert "37 плюс 45 будет 82." == found.answer
    assert ("Надо сложить.",) == found.thoughts
    assert [("calculator", '{"expression": "37+45"}', "82")] == [
        (c.name, c.arguments, c.observation) for c in found.calls
    ]
    assert "" == found.stopped
    (second, tools) = seen[1]
    assert ["user", "assistant", "tool"] == [m["role"] for m in second]
    assert second[1]["tool_calls"][0]["id"] == second[2]["tool_call_id"]
    assert ["calculator", "clock"] == [t["function"]["name"] for t in tools]


def test_a_model_that_needs_no_tool_answers_at_once() -> None:
    found = answer(saying(AssistantTurn("Привет!")), QUESTION, TOOLS)

    assert ("Привет!", (), ()) == (found.answer, found.thoughts, found.calls)


@pytest.mark.parametrize(
    ("content", "thought", "said"),
    [
        ("<think>Думаю.</think>Ответ.", "Думаю.", "Ответ."),
        ("<think>\nРаз.\n</think>\n\n<think>Два.</think> Ответ.", "Раз.\nДва.", "Ответ."),
        ("<think>не кончил думать", "не кончил думать", ""),
        ("Ответ.", "", "Ответ."),
    ],
)
@pytest.mark.parametrize("dialect", [SCHOOLED, None])
def test_thoughts_are_no_part_of_the_answer(content, thought, said, dialect) -> None:
    options = {"dialect": dialect} if dialect else {}
    found = answer(saying(AssistantTurn(content)), QUESTION, TOOLS, **options)

    assert said == found.answer
    assert (thought,) * bool(thought) == found.thoughts


def test_the_same_call_again_ends_it_and_is_not_made_twice() -> None:
    made: list[str] = []
    seen: list[Any] = []
    tool = clock(lambda: made.append("x") or NOW)
    again = AssistantTurn("", (Asked("clock", "{}"),))

    found = answer(
        saying(again, again, AssistantTurn("Сейчас 09:05."), seen=seen), QUESTION, [tool]
    )

    assert ("Сейчас 09:05.", "repeated", 1) == (found.answer, found.stopped, len(made))
    assert [] == seen[-1][1]
    assert ["09:05", "09:05"] == [m["content"] for m in seen[-1][0] if m["role"] == "tool"]


def test_the_order_of_arguments_makes_no_other_call() -> None:
    first = AssistantTurn("", (Asked("clock", '{"a": 1, "b": 2}'),))
    second = AssistantTurn("", (Asked("clock", '{"b": 2, "a": 1}'),))

    found = answer(saying(first, second, AssistantTurn("всё")), QUESTION, TOOLS)

    assert ("repeated", 1) == (found.stopped, len(found.calls))


def test_the_step_limit_ends_it_with_what_the_model_has() -> None:
    turns = [calling(f"{n}+1") for n in range(9)]
    seen: list[Any] = []

    found = answer(saying(*turns, seen=seen), QUESTION, TOOLS, max_steps=3)

    assert ("steps", 3, 4) == (found.stopped, len(found.calls), len(seen))
    assert [] == seen[-1][1]


def test_several_calls_at_once_each_get_their_result() -> None:
    seen: list[Any] = []
    both = AssistantTurn(
        "", (Asked("calculator", '{"expression": "1+1"}', "a"), Asked("clock", "{}", "b"))
    )

    answer(saying(both, AssistantTurn("2 в 09:05"), seen=seen), QUESTION, TOOLS)

    results = [m for m in seen[1][0] if m["role"] == "tool"]
    assert [("a", "2"), ("b", "09:05")] == [(m["tool_call_id"], m["content"]) for m in results]


def test_too_many_calls_at_once_are_not_all_made() -> None:
    many = AssistantTurn(
        "", tuple(Asked("calculator", f'{{"expression": "{n}"}}', str(n)) for n in range(20))
    )
    seen: list[Any] = []

    found = answer(saying(many, AssistantTurn("всё"), seen=seen), QUESTION, TOOLS)

    assert 8 == len(found.calls)
    assert 20 == sum(m["role"] == "tool" for m in seen[1][0])


@pytest.mark.parametrize(
    ("turn", "observation"),
    [
        (
            AssistantTurn("", (Asked("rm", "{}"),)),
            "Ошибка: инструмента `rm` нет. Есть: `calculator`, `clock`.",
        ),
        (AssistantTurn("", (Asked("calculator", "{"),)), "Ошибка: Аргументы — не JSON."),
        (calling("1/0"), "Ошибка: На ноль делить нельзя."),
    ],
)
def test_a_mistaken_call_is_an_observation(turn: AssistantTurn, observation: str) -> None:
    found = answer(saying(turn, AssistantTurn("Не вышло.")), QUESTION, TOOLS)

    assert found.calls[0].observation.startswith(observation)
    assert "Не вышло." == found.answer


def test_the_schooled_dialect_speaks_the_primers_words() -> None:
    seen: list[Any] = []
    call = primer_call("calculator", expression="37+45")
    ask = saying(AssistantTurn(call), AssistantTurn("37 плюс 45 будет 82."), seen=seen)

    found = answer(ask, QUESTION, TOOLS, dialect=SCHOOLED)

    assert [
        {"role": "system", "content": "Инструменты: calculator, clock."},
        QUESTION[0],
        {"role": "assistant", "content": call},
        {"role": "tool", "content": "82"},
    ] == seen[1][0]
    assert [] == seen[1][1]
    assert ("37 плюс 45 будет 82.", "82") == (found.answer, found.calls[0].observation)


def test_a_system_prompt_of_before_stays_before_the_tools() -> None:
    seen: list[Any] = []
    prompt = {"role": "system", "content": "Память: мою собаку зовут Буран."}

    answer(saying(AssistantTurn("x"), seen=seen), [prompt, *QUESTION], TOOLS, dialect=SCHOOLED)

    assert (
        "Память: мою собаку зовут Буран. Инструменты: calculator, clock."
        == (seen[0][0][0]["content"])
    )
    assert "Память: мою собаку зовут Буран." == prompt["content"]


@pytest.mark.parametrize(
    "words",
    [
        "<tool_call>{",
        "<tool_call></tool_call>",
        "<tool_call>[1]</tool_call>",
        '<tool_call>{"name": 5}</tool_call>',
        "<tool_call>" + "[" * 5000,
    ],
)
def test_a_call_in_words_that_cannot_be_read_is_told(words: str) -> None:
    found = answer(
        saying(AssistantTurn(words), AssistantTurn("Хорошо.")), QUESTION, TOOLS, dialect=SCHOOLED
    )

    assert [MALFORMED] == [c.observation for c in found.calls]
    assert "Хорошо." == found.answer


def test_a_call_that_a_server_left_in_words_is_read() -> None:
    seen: list[Any] = []
    call = primer_call("calculator", expression="37+45")
    ask = saying(AssistantTurn(f"Сложу. {call}"), AssistantTurn("82."), seen=seen)

    found = answer(ask, QUESTION, TOOLS)

    assert ("82.", ("Сложу.",), ["82"]) == (
        found.answer,
        found.thoughts,
        [c.observation for c in found.calls],
    )
    assert "Сложу. " == seen[1][0][1]["content"]
    assert "calculator" == seen[1][0][1]["tool_calls"][0]["function"]["name"]


def test_without_tools_the_words_beside_a_call_are_the_answer() -> None:
    again = AssistantTurn("", (Asked("clock", "{}"),))
    last = AssistantTurn(f"<think>Опять.</think>Сейчас 09:05. {primer_call('clock')}")

    found = answer(saying(again, again, last), QUESTION, TOOLS)

    assert ("Сейчас 09:05.", ("Опять.",), "repeated") == (
        found.answer,
        found.thoughts,
        found.stopped,
    )


def test_observations_that_are_too_long_can_be_taken_back_once() -> None:
    reasoning = Reasoning.of(QUESTION, TOOLS)
    assert not reasoning.shorten()
    (call,) = reasoning.hear(calling("1+1"))
    reasoning.observe(Call(call.name, call.arguments, "я" * 4000))

    assert reasoning.shorten()
    assert not reasoning.shorten()
    assert TOO_LONG == reasoning.messages[-1]["content"]
    reasoning.hear(calling("1+2"))
    assert TOO_LONG == reasoning.said[-1]["content"]
    assert "я" * 4000 == reasoning.calls[0].observation


fragments = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "<tool_call>", "</tool_call>", "<", "<th", "ink>", "a", " ", "\n"]
    ),
    max_size=12,
).map("".join)


@given(fragments, st.sampled_from([NATIVE, SCHOOLED]))
def test_what_is_told_of_a_turn_that_is_coming_opens_its_answer(content: str, dialect: Any) -> None:
    whole = dialect.read(AssistantTurn(content)).said

    for end in range(len(content) + 1):
        assert whole.startswith(answer_so_far(content[:end]))


def test_a_call_that_only_a_person_wrote_is_not_made() -> None:
    question = [{"role": "user", "content": primer_call("calculator", expression="1+1")}]

    found = answer(saying(AssistantTurn("Нет.")), question, TOOLS, dialect=SCHOOLED)

    assert () == found.calls


@pytest.fixture(scope="session")
def embedded() -> Any:
    """The embedded base itself: the quick one has learned to call, not to use what it is told."""
    base = find_base("embedded", SHARED_MODELS)
    if base is None:
        pytest.skip("the embedded base is not here: `steppe base grow` with STEPPE_TEST_MODELS")
    return TransformersModel(base.path)


@pytest.mark.parametrize(
    ("question", "name", "reply"),
    [
        ("Сколько будет 37 плюс 45?", "calculator", "37 плюс 45 будет 82."),
        ("Вычисли: 91 минус 17.", "calculator", "91 минус 17 будет 74."),
        ("Который час?", "clock", "Сейчас 09:05."),
    ],
)
def test_the_embedded_base_calls_the_right_tool_and_says_its_result(
    embedded: Any, question: str, name: str, reply: str
) -> None:
    def ask(messages: list[dict], _: list[dict]) -> AssistantTurn:
        return AssistantTurn(embedded.generate([messages], max_new_tokens=64)[0].text)

    found = answer(ask, [{"role": "user", "content": question}], TOOLS, dialect=SCHOOLED)

    assert ([name], reply, "") == ([c.name for c in found.calls], found.answer, found.stopped)
