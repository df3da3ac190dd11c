"""How to cook a dish in three steps, and which step comes first, next or last."""

from __future__ import annotations

from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("recipes", weight=1.5)
def recipes(draw: Draw) -> list[Turn]:
    """Ask for a recipe, then perhaps for one of its steps."""
    recipe = draw.choice(world.recipes())
    first, then, last = recipe.steps
    asked = draw.choice((f"Как приготовить {recipe.dish}?", f"Научи готовить {recipe.dish}."))
    turns = [Turn(asked, f"Сначала {first}. Потом {then}. В конце {last}.")]
    steps = (
        Turn("Что сделать сначала?", f"Сначала {first}."),
        Turn("Что сделать потом?", f"Потом {then}."),
        Turn("А что в конце?", f"В конце {last}."),
    )
    if draw.chance(0.5):
        turns.append(draw.choice(steps))
    return turns
