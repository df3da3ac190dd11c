"""What lives in the steppe: what it is, eats, wears and does, first by name, then by pronoun."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill

ASPECTS = ("kind", "food", "home", "active", "colour", "habit")


def answer(animal: world.Animal, aspect: str, subject: str) -> str:
    """Return the one right answer about an aspect, `subject` being the name or the pronoun."""
    said = {
        "kind": f"{subject} — это {animal.kind}",
        "food": f"{subject} ест {animal.food}",
        "home": f"{subject} живёт {animal.home}",
        "active": f"{subject} выходит {animal.active}",
        "colour": f"{subject} {animal.colour}",
        "habit": f"{subject} {animal.habit}",
    }
    return lang.capital(said[aspect]) + "."


def questions(animal: world.Animal, aspect: str, subject: str) -> tuple[str, ...]:
    """Return phrasings of the question about an aspect."""
    who = "Кто такая" if lang.gender(animal.name) == "femn" else "Кто такой"
    asked = {
        "kind": (f"{who} {subject}?",),
        "food": (f"Что ест {subject}?", f"Чем питается {subject}?"),
        "home": (f"Где живёт {subject}?", f"Где дом, в котором живёт {subject}?"),
        "active": (f"Когда выходит {subject}?", f"В какое время выходит {subject}?"),
        "colour": (f"Какого цвета {subject}?", f"Какой цвет носит {subject}?"),
        "habit": (f"Что умеет {subject}?", f"Что делает {subject}?"),
    }
    return asked[aspect]


@skill("animals", weight=4)
def animals(draw: Draw) -> list[Turn]:
    """Ask one to three aspects of one animal."""
    animal = draw.choice(world.animals())
    pronoun = lang.PRONOUNS[lang.gender(animal.name)]
    turns: list[Turn] = []
    for aspect in sorted(draw.sample(ASPECTS, draw.number(1, 3)), key="kind".__ne__):
        subject = pronoun if turns else animal.name
        question = draw.choice(questions(animal, aspect, subject))
        asked = "А " + lang.lower_first(question) if turns and draw.chance(0.5) else question
        turns.append(Turn(asked, answer(animal, aspect, subject)))
    return turns
