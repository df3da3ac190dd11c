"""The facts of a dialogue: of the person's own words, and a reason for every other turn."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.memory.extraction import Told, as_fact, by_rules, grounded, small
from models.primer import prompts
from models.primer.draw import Draw
from models.primer.facts import draw_facts
from models.primer.formats.teaching import told as teach
from models.primer.registry import draw_skill

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def told(*said: str, taught: bool = False, first: str = "user") -> Told:
    """Return a dialogue of these turns, the speakers alternating."""
    roles = ["user", "assistant"] if first == "user" else ["system", "user", "assistant"]
    messages = [{"role": roles[n % len(roles)], "content": text} for n, text in enumerate(said)]
    return Told("d", messages, TIME, taught)


def facts(dialogue: Told) -> list[str]:
    return [o.text for turn in by_rules(dialogue) for o in turn.facts]


def reasons(dialogue: Told) -> list[str]:
    return [turn.reason for turn in by_rules(dialogue)]


def test_what_is_told_is_remembered_to_the_person() -> None:
    dialogue = told("Запомни: мою собаку зовут Буран.", "Запомнил: твою собаку зовут Буран.")

    assert ["твою собаку зовут Буран"] == facts(dialogue)
    assert ["", "acknowledgement"] == reasons(dialogue)


def test_a_turn_can_tell_several_facts() -> None:
    assert ["тебя зовут Аня", "ты живёшь в Омске"] == facts(
        told("Привет! Меня зовут Аня. Я живу в Омске.", "Приятно познакомиться!")
    )


def test_the_models_own_claims_are_not_remembered() -> None:
    dialogue = told("Как зовут мою собаку?", "Твою собаку зовут Тузик.", "Спасибо!", "Не за что.")

    assert [] == facts(dialogue)
    assert ["question", "unconfirmed", "small_talk", "unconfirmed"] == reasons(dialogue)


def test_what_the_person_says_yes_to_is_remembered() -> None:
    dialogue = told("Где я живу?", "Ты живёшь в Омске.", "Да, верно.", "Хорошо.")

    assert ["ты живёшь в Омске"] == facts(dialogue)


def test_a_correction_is_the_persons_own_fact() -> None:
    dialogue = told("Где я живу?", "Ты живёшь в Туле.", "Нет, я живу в Омске.", "Запомнил.")

    assert ["ты живёшь в Омске"] == facts(dialogue)


def test_an_answer_that_was_taught_is_remembered_where_it_is_about_the_person() -> None:
    assert ["твой брат водит поезда"] == facts(
        told("Кем работает мой брат?", "Твой брат водит поезда.", taught=True)
    )
    assert [] == facts(told("Кто написал «Мцыри»?", "Лермонтов.", taught=True))
    assert [] == facts(told("Где мои ключи?", prompts.UNKNOWN, taught=True))


def test_what_was_recalled_into_a_system_message_is_not_remembered_again() -> None:
    dialogue = told(
        prompts.memory(["твою собаку зовут Буран"]),
        "Как зовут мою собаку?",
        "Твою собаку зовут Буран.",
        first="system",
    )

    assert [] == facts(dialogue)
    assert ["system", "question", "unconfirmed"] == reasons(dialogue)


def test_half_of_a_secret_is_one_too() -> None:
    dialogue = told("Меня зовут Аня. Мой телефон [телефон 1].", "Хорошо.")

    assert [] == facts(dialogue)
    assert "secret" == reasons(dialogue)[0]


def test_every_held_out_fact_is_read_and_only_it() -> None:
    draw = Draw(random.Random(3), "held_out")
    taught = draw_facts(draw, 100)
    messages = [s for fact in taught for s in teach(fact, draw)]
    turns = by_rules(told(*(m.content for m in messages)))

    assert [1, 0] * 100 == [len(turn.facts) for turn in turns]


def test_of_the_primers_talk_only_names_are_remembered() -> None:
    draw = Draw(random.Random(4), "held_out")
    remembered = set()
    for _ in range(300):
        skill = draw_skill(draw)
        for turn in skill.turns(draw):
            if facts(told(turn.question, turn.answer)):
                remembered.add(skill.name)

    assert remembered <= {"names"}


def test_a_turn_has_its_own_time_or_the_last_one_known() -> None:
    later = TIME + timedelta(hours=1)
    messages = [
        {"role": "user", "content": "Меня зовут Аня.", "created_at": later},
        {"role": "assistant", "content": "Запомнил.", "created_at": None},
        {"role": "user", "content": "Я живу в Омске.", "created_at": None},
    ]
    turns = by_rules(Told("d", messages, TIME, taught=False))

    assert [later, later] == [o.told_at for turn in turns for o in turn.facts]
    assert [("d/0",), ("d/2",)] == [o.sources for turn in turns for o in turn.facts]


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ("Я Аня.", "тебя зовут Аня"),
        ("Моё имя Аня.", "тебя зовут Аня"),
        ("Буран — моя собака.", "буран — твоя собака"),
        ("Омск — мой город.", "Омск — твой город"),
        ("СССР — моя родина.", "СССР — твоя родина"),
    ],
)
def test_a_fact_is_bare(said: str, fact: str) -> None:
    assert fact == as_fact(said)


def test_a_fact_may_turn_what_was_said_and_add_nothing() -> None:
    assert grounded("твою собаку зовут Буран", "А зовут её, собаку мою, Буран!")
    assert not grounded("твою собаку зовут Буран и она любит мясо", "Мою собаку зовут Буран")


@given(st.lists(st.text(max_size=60), max_size=6), st.booleans())
def test_every_turn_ends_remembered_or_with_one_reason(said: list[str], taught: bool) -> None:
    turns = by_rules(told(*said, taught=taught))

    assert list(range(len(said))) == [turn.position for turn in turns]
    assert all(bool(turn.facts) != bool(turn.reason) for turn in turns)
    assert all(small(o.text) == o.text for turn in turns for o in turn.facts)
