"""Pairs of adjectives with opposite meaning."""

from __future__ import annotations

from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("opposites", weight=1.5)
def opposites(draw: Draw) -> list[Turn]:
    """Name the opposite of one word of a pair."""
    pair = draw.choice(world.OPPOSITES)
    word, opposite = pair if draw.chance(0.5) else pair[::-1]
    phrasings = (f"Назови слово, обратное слову «{word}».", f"Какое слово обратно слову «{word}»?")
    return [Turn(draw.choice(phrasings), f"Обратное слово — «{opposite}».")]
