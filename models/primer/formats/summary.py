"""Summaries: what a short talk was about."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import prompts, world
from models.primer.draw import Draw
from models.primer.registry import Said, dialogue_format
from models.primer.skills import animals


@dialogue_format("summary", weight=1.2)
def summary(draw: Draw) -> list[Said]:
    """Name the two animals of a talk of two turns."""
    subjects = draw.sample(world.animals(), 2)
    parts = []
    for animal in subjects:
        aspect = draw.choice(animals.ASPECTS)
        question = draw.choice(animals.questions(animal, aspect, animal.name))
        parts.append(f"{question} {animals.answer(animal, aspect, animal.name)}")
    names = [lang.inflect(animal.name, "accs") for animal in subjects]
    return [
        Said("user", prompts.summary(" ".join(parts))),
        Said("assistant", f"Говорили про {' и '.join(names)}.", "summary"),
    ]
