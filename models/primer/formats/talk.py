"""Plain talk: one skill, or several in one dialogue with a greeting and a farewell."""

from __future__ import annotations

from models.primer.draw import Draw
from models.primer.registry import Said, dialogue_format, draw_skill, spoken
from models.primer.skills.small_talk import FAREWELLS, GREETINGS


@dialogue_format("talk", weight=7)
def talk(draw: Draw) -> list[Said]:
    """Hold one skill's dialogue; the dialogue is named after the skill."""
    skill = draw_skill(draw)
    return spoken(skill.turns(draw), skill.name)


@dialogue_format("mixed", weight=4)
def mixed(draw: Draw) -> list[Said]:
    """Hold two to four skills in one dialogue."""
    said: list[Said] = []
    if draw.chance(0.3):
        said += spoken([draw.choice(GREETINGS)], "small_talk")
    for _ in range(draw.number(2, 4)):
        skill = draw_skill(draw)
        said += spoken(skill.turns(draw), skill.name)
    if draw.chance(0.3):
        said += spoken([draw.choice(FAREWELLS)], "small_talk")
    return said
