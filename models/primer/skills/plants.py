"""What grows in the steppe: kind, colour, time of bloom and place."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill

ASPECTS = ("kind", "colour", "blooms", "place")


def answer(plant: world.Plant, aspect: str, subject: str) -> str:
    """Return the one right answer about an aspect."""
    said = {
        "kind": f"{subject} — это {plant.kind}",
        "colour": f"{subject} {plant.colour}",
        "blooms": f"{subject} цветёт {plant.blooms}",
        "place": f"{subject} растёт {plant.place}",
    }
    return lang.capital(said[aspect]) + "."


def questions(plant: world.Plant, aspect: str, subject: str) -> tuple[str, ...]:
    """Return phrasings of the question about an aspect."""
    what = "Что такое" if subject == plant.name else "Что это,"
    asked = {
        "kind": (f"{what} {subject}?",),
        "colour": (f"Какого цвета {subject}?", f"Какой цвет носит {subject}?"),
        "blooms": (f"Когда цветёт {subject}?", f"В каком месяце цветёт {subject}?"),
        "place": (f"Где растёт {subject}?", f"Где найти место, где растёт {subject}?"),
    }
    return asked[aspect]


@skill("plants", weight=2.5)
def plants(draw: Draw) -> list[Turn]:
    """Ask one or two aspects of one plant."""
    plant = draw.choice(world.plants())
    aspects = draw.sample(ASPECTS, draw.number(1, 2))
    if aspects[-1] == "kind":
        aspects.reverse()
    turns: list[Turn] = []
    for aspect in aspects:
        subject = lang.PRONOUNS[lang.gender(plant.name)] if turns else plant.name
        question = draw.choice(questions(plant, aspect, subject))
        turns.append(Turn(question, answer(plant, aspect, subject)))
    return turns
