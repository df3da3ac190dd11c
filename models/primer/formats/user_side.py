"""The user's side of a talk: asked to ask, the model asks turn after turn, led by the answers.

Roles are swapped: the model's own questions are the assistant's messages, and what it hears
comes from the user.  Two models, or one model twice, can so talk to each other.
"""

from __future__ import annotations

from collections.abc import Callable

from models.primer import language as lang
from models.primer import prompts, world
from models.primer.draw import Draw
from models.primer.facts import draw_fact
from models.primer.registry import Said, Turn, dialogue_format
from models.primer.skills import animals, plants


def about_animal(draw: Draw) -> tuple[str, list[Turn]]:
    """Return an animal as a topic, and two or three turns about it."""
    animal = draw.choice(world.animals())
    return animal.name, _turns(
        draw,
        animals.ASPECTS,
        animal.name,
        lambda aspect, subject: Turn(
            draw.choice(animals.questions(animal, aspect, subject)),
            animals.answer(animal, aspect, subject),
        ),
    )


def about_plant(draw: Draw) -> tuple[str, list[Turn]]:
    """Return a plant as a topic, and two or three turns about it."""
    plant = draw.choice(world.plants())
    return plant.name, _turns(
        draw,
        plants.ASPECTS[1:],
        plant.name,
        lambda aspect, subject: Turn(
            draw.choice(plants.questions(plant, aspect, subject)),
            plants.answer(plant, aspect, subject),
        ),
    )


def _turns(
    draw: Draw, aspects: tuple[str, ...], name: str, turn: Callable[[str, str], Turn]
) -> list[Turn]:
    pronoun = lang.PRONOUNS[lang.gender(name)]
    chosen = draw.sample(aspects, draw.number(2, 3))
    return [turn(aspect, pronoun if position else name) for position, aspect in enumerate(chosen)]


def _about_own_life(draw: Draw) -> tuple[str, list[Turn]]:
    fact = draw_fact(draw)
    asked = list(dict.fromkeys(fact.question(draw) for _ in range(draw.number(1, 3))))
    heard = fact.sentence if draw.chance(0.5) else prompts.UNKNOWN
    topic = draw.choice(fact.clauses) if draw.chance(0.4) else fact.topic
    return topic, [Turn(question, heard) for question in asked]


@dialogue_format("user_side", weight=2.2)
def user_side(draw: Draw) -> list[Said]:
    """Ask one to three questions on a topic, then thank."""
    topic, turns = draw.choice((about_animal, about_plant, _about_own_life, _about_own_life))(draw)
    said = [Said("system", prompts.asking(topic)), Said("user", prompts.BEGIN)]
    for turn in turns:
        said += [Said("assistant", turn.question), Said("user", turn.answer)]
    return [*said, Said("assistant", prompts.THANKS)]
