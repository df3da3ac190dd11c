"""The four seasons: weather, clothes and work."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import world
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("seasons", weight=1.5)
def seasons(draw: Draw) -> list[Turn]:
    """Ask one or two things about a season, the second as a short follow-up."""
    season = draw.choice(world.seasons())
    when = lang.capital(season.when)
    full = [
        Turn(f"Какая погода {season.when}?", f"{when} {season.weather}."),
        Turn(f"Что надеть {season.when}?", f"{when} надень {season.clothes}."),
        Turn(f"Что делают люди {season.when}?", f"{when} люди {season.work}."),
    ]
    short = ["А какая погода?", "А что надеть?", "А что делают люди?"]
    first, second = draw.sample(range(3), 2)
    turns = [full[first]]
    if draw.chance(0.4):
        turns.append(Turn(short[second], full[second].answer))
    return turns
