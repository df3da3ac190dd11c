"""Critique and revision: name what is wrong with an answer, then give the right one."""

from __future__ import annotations

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.formats.answers import ASSESSMENTS, attempt
from models.primer.registry import Said, dialogue_format


@dialogue_format("critique", weight=2)
def critique(draw: Draw) -> list[Said]:
    """Assess an answer, one in five without a flaw, and revise it."""
    tried = attempt(draw)
    flaw, answer = (tried.flaw, tried.flawed) if draw.chance(0.8) else ("good", tried.right)
    return [
        Said("system", prompts.CRITIC),
        Said("user", prompts.critique(tried.question, answer)),
        Said("assistant", ASSESSMENTS[flaw], "critique"),
        Said("user", prompts.REVISE),
        Said("assistant", tried.right, "revision"),
    ]
