"""A judge behind any OpenAI-compatible URL: it reasons, and its last line is the verdict.

What it says is read strictly.  Garbage, another format, an error or no answer in time is an
opinion without a choice that keeps the text or the error: coverage falls, nothing is guessed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lake.errors import BackendUnavailable
from models.backends.openai import OpenAIModel
from models.evaluation.pairwise import Choice, Opinion

PROMPT = Path(__file__).with_name("prompt.txt")
MAX_TOKENS = 512
TRIES = 2
"""A second try after a failed request: judges are asked hundreds of times over a network."""
VERDICT = re.compile(r"\W*(?:вердикт\W+)?(?:\[\[)?(а|б|поровну)(?:\]\])?\W*", re.IGNORECASE)
CHOICES: dict[str, Choice] = {"а": "first", "б": "second", "поровну": "tie"}


@dataclass(frozen=True)
class OpenAIJudge:
    """A judging model, asked at temperature 0."""

    model: OpenAIModel

    @property
    def judge_id(self) -> str:
        """Return the judging model's name."""
        return self.model.model_id

    def judge(self, question: str, first: str, second: str, facts: Sequence[str] = ()) -> Opinion:
        """Return what the model says, read; its text or its error without a choice if it is not."""
        asked = PROMPT.read_text(encoding="utf-8").format(
            question=question, first=first, second=second, known=_known(facts)
        )
        said, started = "", time.monotonic()
        for _ in range(TRIES):
            try:
                (answer,) = self.model.generate(
                    [[{"role": "user", "content": asked}]], max_new_tokens=MAX_TOKENS
                )
                took = time.monotonic() - started
                return Opinion(read(answer.text), answer.text, answer.tokens, took)
            except BackendUnavailable as error:
                said = error.message
        return Opinion(None, said, seconds=time.monotonic() - started)


def _known(facts: Sequence[str]) -> str:
    listed = "\n".join(f"- {fact}" for fact in facts)
    return f"О человеке известно:\n{listed}\n\n" if facts else ""


def read(text: str) -> Choice | None:
    """Return the choice in a judge's last line, None if that line is anything else."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    found = VERDICT.fullmatch(lines[-1].strip()) if lines else None
    return CHOICES[found[1].lower()] if found else None
