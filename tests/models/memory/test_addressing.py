"""A person's words said back to them: the second person for the first, and nothing else changed."""

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.memory.addressing import (
    searchable,
    speaks_of_the_speaker,
    speaks_to_the_person,
    to_the_person,
)
from models.primer.draw import Draw
from models.primer.facts import draw_facts

OTHER_WORDS = ("doing", "colour", "reading")  # shapes whose answer the primer words anew


@pytest.mark.parametrize(
    ("said", "turned"),
    [
        ("Меня зовут Иван.", "Тебя зовут Иван."),
        ("я живу в Омске", "ты живёшь в Омске"),
        ("Я еду до вокзала", "Ты едешь до вокзала"),
        ("вкусная еда", "вкусная еда"),
        ("Я мою посуду моей щёткой", "Ты моешь посуду твоей щёткой"),
        ("Моя сестра поёт", "Твоя сестра поёт"),
        ("Со мной живёт кот", "С тобой живёт кот"),
        ("пеню надо чинить", "пеню надо чинить"),
        ("У нас с женой дача", "У вас с женой дача"),
        ("Твою собаку зовут Буран", "Твою собаку зовут Буран"),
    ],
)
def test_the_first_person_becomes_the_second(said: str, turned: str) -> None:
    assert turned == to_the_person(said)


def test_another_telling_decides_between_two_forms_of_a_verb() -> None:
    assert "ты возишь песок" == to_the_person("я вожу песок", hint="Ты возишь песок.")
    assert "ты водишь песок" == to_the_person("я вожу песок", hint="Ты водишь песок.")


def test_the_facts_of_the_primer_are_turned_as_it_says_them_back() -> None:
    facts = draw_facts(Draw(random.Random(7), "held_out"), 400)
    same_words = [f for f in facts if f.shape not in OTHER_WORDS]
    turned = [to_the_person(f.statement, hint=f.answer) == f.answer for f in same_words]

    assert sum(turned) >= 0.99 * len(turned)


@given(st.text(max_size=80))
def test_only_words_change_and_never_their_number(text: str) -> None:
    turned = to_the_person(text)

    assert len(text.split()) == len(turned.split())
    assert to_the_person(turned) == to_the_person(to_the_person(turned))


def test_who_is_spoken_of() -> None:
    assert speaks_of_the_speaker("Моя собака спит")
    assert speaks_of_the_speaker("Люблю рыбу")
    assert not speaks_of_the_speaker("Собака спит")
    assert speaks_to_the_person("Твоя собака спит")
    assert speaks_to_the_person("На ужин ешь рыбу")
    assert not speaks_to_the_person("Моя собака спит")


def test_a_question_and_its_fact_share_words_when_searched() -> None:
    asked, fact = searchable("Чего я боюсь?").split(), searchable("ты боишься темноты").split()

    assert {"бояться"} <= set(asked) & set(fact)


def test_twice_as_many_words_are_twice_the_work() -> None:
    def lowered(words: int) -> int:
        """Count how often a word is lowered."""
        called = 0

        def count(_: object, event: str, what: object) -> None:
            nonlocal called
            called += event == "c_call" and getattr(what, "__name__", "") == "lower"

        sys.setprofile(count)
        try:
            to_the_person("собака спит " * (words // 2))
        finally:
            sys.setprofile(None)
        return called

    to_the_person("собака спит")  # the forms of a word are read once
    assert lowered(400) <= 2 * lowered(200)
