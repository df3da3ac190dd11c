"""Which of two animals is the larger or the smaller."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("comparison", weight=1.5)
def comparison(draw: Draw) -> list[Turn]:
    """Compare two animals of different size."""
    one, other = draw.sample(world.animals(), 2)
    while one.size == other.size:
        one, other = draw.sample(world.animals(), 2)
    large, small = (one, other) if one.size > other.size else (other, one)
    pair = f"{one.name} или {other.name}"
    if draw.chance(0.5):
        return [Turn(f"Кто больше: {pair}?", f"{lang.capital(large.name)} больше.")]
    return [Turn(f"Кто меньше: {pair}?", f"{lang.capital(small.name)} меньше.")]
