"""Getting to know each other: a name is told once and remembered."""

from __future__ import annotations

from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("names", weight=1.5)
def names(draw: Draw) -> list[Turn]:
    """Tell a name, then perhaps ask for it."""
    name = draw.choice(world.FIRST_NAMES) if draw.chance(0.6) else draw.nickname()
    told = draw.choice((f"Меня зовут {name}.", f"Я {name}.", f"Моё имя {name}."))
    turns = [Turn(told, f"Приятно познакомиться, {name}!")]
    if draw.chance(0.6):
        asked = draw.choice(("Как меня зовут?", "Ты помнишь моё имя?", "Напомни моё имя."))
        turns.append(Turn(asked, f"Тебя зовут {name}."))
    return turns
