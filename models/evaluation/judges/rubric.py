"""A judge without a server: which verdict the model at hand finds likeliest.

The embedded base was taught to judge (`models.primer.formats.judging`); any model can be asked.
Nothing is generated, so every opinion can be read; how good they are is another matter, which
`judge_agreement` tells.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from models.backends import ChatModel
from models.evaluation.pairwise import Choice, Opinion
from models.judge_ids import RUBRIC
from models.primer import prompts

VERDICTS: dict[str, Choice] = {
    prompts.BETTER_FIRST: "first",
    prompts.BETTER_SECOND: "second",
    prompts.TIE: "tie",
}


@dataclass(frozen=True)
class RubricJudge:
    """A model that tells losses, asked which verdict costs it least."""

    model: ChatModel

    @property
    def judge_id(self) -> str:
        """Return the model's name, marked as a rubric."""
        return f"{RUBRIC}{self.model.model_id[:12]}"

    def judge(self, question: str, first: str, second: str, facts: Sequence[str] = ()) -> Opinion:
        """Return the likeliest verdict; its text are the three losses in nats."""
        asked = [
            {"role": "system", "content": prompts.judge(facts)},
            {"role": "user", "content": prompts.comparison(question, first, second)},
        ]
        started = time.monotonic()
        losses = self.model.loss(
            [[*asked, {"role": "assistant", "content": f"{word}."}] for word in VERDICTS]
        )
        nats = {word: x.sum_nats for word, x in zip(VERDICTS, losses, strict=True)}
        text = ", ".join(f"{word} {x:.3f}" for word, x in nats.items())
        return Opinion(
            VERDICTS[min(nats, key=lambda word: nats[word])],
            text,
            tokens=sum(x.tokens for x in losses),
            seconds=time.monotonic() - started,
        )
