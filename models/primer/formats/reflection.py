"""Reflection: a failed try, the lesson in one sentence, and the better try."""

from __future__ import annotations

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.formats.answers import ASSESSMENTS, LESSONS, attempt
from models.primer.registry import Said, dialogue_format


@dialogue_format("reflection", weight=1.3)
def reflection(draw: Draw) -> list[Said]:
    """Draw the lesson of a flawed answer and try again."""
    tried = attempt(draw)
    request = prompts.reflection(tried.question, tried.flawed, ASSESSMENTS[tried.flaw])
    remembered = [Said("system", prompts.memory(tried.facts))] if tried.facts else []
    return [
        *remembered,
        Said("user", request),
        Said("assistant", LESSONS[tried.flaw], "reflection"),
        Said("user", prompts.RETRY),
        Said("assistant", tried.right, "retry"),
    ]
