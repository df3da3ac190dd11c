"""Being taught in a talk: a fact is told, acknowledged, and asked for later on."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import prompts
from models.primer.draw import Draw
from models.primer.facts import Fact, draw_facts
from models.primer.formats.memory import recalled
from models.primer.registry import Said, dialogue_format, draw_skill, spoken

TELLING = ("Запомни: {}.", "Запомни: {}.", "Запиши: {}.", "Знай: {}.", "Кстати, {}.")


def told(fact: Fact, draw: Draw) -> list[Said]:
    """Return the fact as its person tells it, and the acknowledgement."""
    statement = draw.choice(TELLING).format(fact.statement)
    if draw.chance(0.35):
        statement = lang.capital(f"{fact.statement}.")
    return [Said("user", statement), Said("assistant", f"Запомнил: {fact.answer}.", "teaching")]


@dialogue_format("teaching", weight=4)
def teaching(draw: Draw) -> list[Said]:
    """Tell one or two facts, perhaps talk of something else, then ask for them."""
    facts = draw_facts(draw, draw.number(1, 2))
    said: list[Said] = []
    if draw.chance(0.25):
        said += [
            Said("user", facts[0].question(draw)),
            Said("assistant", prompts.UNKNOWN, "ignorance"),
        ]
    for fact in facts:
        said += told(fact, draw)
    skill = draw_skill(draw)
    if draw.chance(0.25) and skill.name != "ignorance":
        said += spoken(skill.turns(draw), skill.name)
    for fact in draw.sample(facts, draw.number(1, len(facts))):
        said += recalled(fact, draw)
    return said
