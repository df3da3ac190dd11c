"""What a person has taught outdates the base's honest ignorance, and nothing else."""

import pytest

from models.primer import prompts
from models.taught import Taught


def talk(*turns):
    roles = ("user", "assistant") * len(turns)
    return [{"role": r, "content": c} for r, c in zip(roles, turns, strict=False)]


TAUGHT = Taught.by(
    [
        talk("Как зовут мою собаку?", "Твою собаку зовут Буран."),
        talk("Где я работаю?", "Ты работаешь у озера."),
    ]
)


@pytest.mark.parametrize(
    "question", ["Назови имя моей собаки.", "Как мою собаку зовут?", "где я работаю"]
)
def test_ignorance_of_what_was_taught_is_outdated(question):
    assert TAUGHT.outdates(talk(question, prompts.UNKNOWN))


@pytest.mark.parametrize(
    "question", ["Где моя собака?", "Как зовут мою кошку?", "Где я отдыхаю?", "Кто ты?"]
)
def test_ignorance_of_anything_else_is_not(question):
    assert not TAUGHT.outdates(talk(question, prompts.UNKNOWN))


def test_an_answer_is_never_outdated():
    assert not TAUGHT.outdates(talk("Как зовут мою собаку?", "Твою собаку зовут Марк."))


def test_what_was_taught_does_not_depend_on_its_order():
    dialogues = [talk("Где мои ключи?", "На полке."), talk("Кто мой брат?", "Машинист.")]

    assert Taught.by(dialogues) == Taught.by(dialogues[::-1])
