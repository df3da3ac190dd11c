"""Small word problems: animals come together, and the noun agrees with their number."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("word_problems", weight=2)
def word_problems(draw: Draw) -> list[Turn]:
    """Add two small herds."""
    animal = draw.choice(world.animals()).name
    here, came = draw.number(1, 9), draw.number(1, 9)
    total = here + came
    story = f"В степи было {here} {lang.counted(animal, here)}, пришли ещё {came}."
    answer = f"{here} плюс {came} будет {total}. Стало {total} {lang.counted(animal, total)}."
    return [Turn(f"{story} Сколько стало?", answer)]
