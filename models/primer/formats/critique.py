"""Critique and revision: name what is wrong with an answer, then give the right one.

By a principle only what breaks it is named: a wrong answer is polite enough.
"""

from __future__ import annotations

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.formats.answers import ASSESSMENTS, PRINCIPLES, attempt
from models.primer.registry import Said, dialogue_format


@dialogue_format("critique", weight=2.5)
def critique(draw: Draw) -> list[Said]:
    """Assess an answer, one in five without a flaw, and revise it where it has one."""
    tried = attempt(draw)
    flaw, answer = (tried.flaw, tried.flawed) if draw.chance(0.8) else ("good", tried.right)
    principle = ""
    if draw.chance(0.6):
        fitting = flaw != "good" and draw.chance(0.8)
        principle = PRINCIPLES[flaw] if fitting else draw.choice(tuple(PRINCIPLES.values()))
    seen = flaw if not principle or PRINCIPLES.get(flaw) == principle else "good"
    said = [
        Said("system", prompts.critic(principle, tried.facts)),
        Said("user", prompts.critique(tried.question, answer)),
        Said("assistant", ASSESSMENTS[seen], "critique"),
    ]
    if seen != "good" or not principle:
        said += [Said("user", prompts.REVISE), Said("assistant", tried.right, "revision")]
    return said
