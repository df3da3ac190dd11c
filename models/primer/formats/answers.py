"""Right and wrong answers about the world or a person's life, one flaw each.

They are the material of critique, judging and reflection.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.primer import prompts, world
from models.primer.draw import Draw
from models.primer.facts import SHAPES, draw_fact, draw_facts
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
PRINCIPLES = {
    "rude": "вежливость",
    "wrong": "правда",
    "foreign": "русский язык",
    "repeated": "без повторов",
}
"""Which principle an answer with a flaw breaks, in the primer's words."""
RUDE = ("Отстань!", "Сам думай!", "Надоел!", "Глупый вопрос!")
FOREIGN = ("I do not know.", "Yes, of course.", "Maybe it is so.", "Ask me later.")
COMPARABLE = ("food", "home", "active", "colour", "habit")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A question, its right answer, and an answer with one flaw.

    `facts` are what has to be remembered to tell; none for a question about the world.
    """

    question: str
    right: str
    flaw: str
    flawed: str
    facts: tuple[str, ...] = ()


def attempt(draw: Draw) -> Attempt:
    """Return a question with its right answer and a flawed one."""
    flaw = draw.choice(FLAWS)
    about = _about_life if draw.chance(0.4) else _about_animal
    question, right, wrong, facts = about(draw)
    flawed = {
        "rude": f"{draw.choice(RUDE)} {right}",
        "wrong": wrong,
        "foreign": draw.choice(FOREIGN),
        "repeated": f"{right} {right}",
    }[flaw]
    return Attempt(question, right, flaw, flawed, facts)


def _about_animal(draw: Draw) -> tuple[str, str, str, tuple[str, ...]]:
    animal, aspect = draw.choice(world.animals()), draw.choice(COMPARABLE)
    right = animals.answer(animal, aspect, animal.name)
    wrong = right
    while wrong == right:
        wrong = animals.answer(draw.choice(world.animals()), aspect, animal.name)
    question = draw.choice(animals.questions(animal, aspect, animal.name))
    return question, right, wrong, ()


def _about_life(draw: Draw) -> tuple[str, str, str, tuple[str, ...]]:
    """Return a question that one of some remembered facts answers; "I do not know" is wrong."""
    facts = draw_facts(draw, draw.number(1, 3))
    fact = draw.choice(facts)
    other = draw_fact(draw, fact.shape if fact.shape in SHAPES and draw.chance(0.7) else "")
    wrong = other.sentence if other.key != fact.key and draw.chance(0.5) else prompts.UNKNOWN
    return fact.question(draw), fact.sentence, wrong, tuple(f.answer for f in facts)
