"""Judging: which of two answers is better, in both orders, with ties."""

from __future__ import annotations

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.formats.answers import attempt
from models.primer.registry import Said, dialogue_format


@dialogue_format("judging", weight=3)
def judging(draw: Draw) -> list[Said]:
    """Compare a right answer with a flawed one, or an answer with itself."""
    tried = attempt(draw)
    first, second, verdict = draw.choice(
        (
            (tried.right, tried.flawed, prompts.BETTER_FIRST),
            (tried.flawed, tried.right, prompts.BETTER_SECOND),
            (tried.right, tried.right, prompts.TIE),
        )
    )
    return [
        Said("system", prompts.judge(tried.facts)),
        Said("user", prompts.comparison(tried.question, first, second)),
        Said("assistant", f"{verdict}.", "judging"),
    ]
