"""Right and wrong answers about the world: the material of critique, judging and reflection."""

from __future__ import annotations

from dataclasses import dataclass

from models.primer import world
from models.primer.draw import Draw
from models.primer.skills import animals

ASSESSMENTS = {
    "good": "Хорошо.",
    "rude": "Грубо.",
    "wrong": "Неверно.",
    "foreign": "Не по-русски.",
    "repeated": "Повторы.",
}
LESSONS = {
    "rude": "Надо отвечать вежливо.",
    "wrong": "Надо вспомнить точно.",
    "foreign": "Надо отвечать по-русски.",
    "repeated": "Надо сказать один раз.",
}
FLAWS = tuple(LESSONS)
RUDE = ("Отстань!", "Сам думай!", "Надоел!", "Глупый вопрос!")
FOREIGN = ("I do not know.", "Yes, of course.", "Maybe it is so.", "Ask me later.")
COMPARABLE = ("food", "home", "active", "colour", "habit")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A question about an animal, its right answer, and an answer with one flaw."""

    question: str
    right: str
    flaw: str
    flawed: str


def _wrong(draw: Draw, animal: world.Animal, aspect: str, right: str) -> str:
    wrong = right
    while wrong == right:
        other = draw.choice(world.animals())
        wrong = animals.answer(other, aspect, animal.name)
    return wrong


def attempt(draw: Draw) -> Attempt:
    """Return a question with its right answer and a flawed one."""
    animal, aspect = draw.choice(world.animals()), draw.choice(COMPARABLE)
    right = animals.answer(animal, aspect, animal.name)
    flaw = draw.choice(FLAWS)
    flawed = {
        "rude": f"{draw.choice(RUDE)} {right}",
        "wrong": _wrong(draw, animal, aspect, right),
        "foreign": draw.choice(FOREIGN),
        "repeated": f"{right} {right}",
    }[flaw]
    question = draw.choice(animals.questions(animal, aspect, animal.name))
    return Attempt(question, right, flaw, flawed)
