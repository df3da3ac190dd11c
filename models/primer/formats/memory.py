"""Memory in the prompt: a system message with facts, then questions it answers, or cannot."""

from __future__ import annotations

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.facts import Fact, draw_fact, draw_facts
from models.primer.registry import Said, dialogue_format, draw_skill, spoken


def recalled(fact: Fact, draw: Draw) -> list[Said]:
    """Return a question about a told fact and its answer.

    Scored as `memory` where a word of it was never seen in training, else `memory_known`.
    """
    label = "memory" if fact.is_fresh else "memory_known"
    return [Said("user", fact.question(draw)), Said("assistant", fact.sentence, label)]


def _not_told(draw: Draw, facts: list[Fact]) -> list[Said]:
    known = {fact.key for fact in facts}
    shape = draw.choice(facts).shape if draw.chance(0.3) else ""
    other = draw_fact(draw, shape if shape not in {"allergy", "fear"} else "")
    while other.key in known:
        other = draw_fact(draw)
    question = other.question(draw)
    return [Said("user", question), Said("assistant", prompts.UNKNOWN, "memory_unknown")]


@dialogue_format("memory", weight=6)
def memory(draw: Draw) -> list[Said]:
    """Answer one to three questions about one to four remembered facts."""
    facts = draw_facts(draw, draw.number(1, 4))
    said = [Said("system", prompts.memory([fact.answer for fact in facts]))]
    for _ in range(draw.number(1, 3)):
        if draw.chance(0.35):
            said += _not_told(draw, facts)
        elif draw.chance(0.1):
            skill = draw_skill(draw)
            said += spoken(skill.turns(draw), skill.name) if skill.name != "ignorance" else []
        else:
            said += recalled(draw.choice(facts), draw)
    if len(said) == 1:
        said += recalled(facts[0], draw)
    return said
