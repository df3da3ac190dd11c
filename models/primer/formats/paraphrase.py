"""Paraphrase: the same question in other words; several are right, so none is scored."""

from __future__ import annotations

from models.primer import prompts, world
from models.primer.draw import Draw
from models.primer.facts import draw_fact
from models.primer.registry import Said, dialogue_format
from models.primer.skills import animals


@dialogue_format("paraphrase", weight=2)
def paraphrase(draw: Draw) -> list[Said]:
    """Put a question about the world or about the person's life differently."""
    if draw.chance(0.3):
        animal, aspect = draw.choice(world.animals()), draw.choice(animals.ASPECTS[1:])
        question, other = draw.sample(animals.questions(animal, aspect, animal.name), 2)
    else:
        fact = draw_fact(draw)
        question = other = fact.question(draw)
        while other == question:
            other = fact.question(draw)
    return [Said("user", prompts.paraphrase(question)), Said("assistant", other)]
