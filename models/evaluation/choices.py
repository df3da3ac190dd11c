"""Questions with given answers, as in Russian SuperGLUE: by likelihood and by generation.

By likelihood the choice with the least nats counts (`accuracy`), or with the least nats a
character (`accuracy_per_character`), as lm-evaluation-harness's `acc` and `acc_norm`.  By
generation (`generated`) the answer must be a letter or one of the choices; another answer is
wrong and lowers the coverage, its text kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.backends import ChatModel, Progress
from models.evaluation import Item, Result, Sample, Score
from models.evaluation.statistics import wilson

SUITE = "choices"
LETTERS = "АБВГДЕ"
MAX_NEW_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Question:
    """A question with two to six answers, of which the one at `right` is."""

    item_id: str
    question: str
    choices: tuple[str, ...]
    right: int

    @property
    def listed(self) -> str:
        """Return the question with its choices, a letter each."""
        lines = [f"{letter}) {c}" for letter, c in zip(LETTERS, self.choices, strict=False)]
        return "\n".join([self.question, *lines])

    def as_item(self, choice: int | None = None) -> Item:
        """Return the question answered by a choice, the right one unless another is named."""
        answer = self.choices[self.right if choice is None else choice]
        return Item(
            self.item_id,
            (
                {"role": "user", "content": self.question},
                {"role": "assistant", "content": answer},
            ),
        )


def run(
    model: ChatModel, questions: Sequence[Question], *, progress: Progress | None = None
) -> Result:
    """Return the shares answered rightly, each way, and what was said to each question."""
    if not questions:
        return Result(())
    chosen = [_likeliest(model, question) for question in questions]
    asked = [[{"role": "user", "content": question.listed}] for question in questions]
    answers = model.generate(asked, max_new_tokens=MAX_NEW_TOKENS, progress=progress)
    said = [read(a.text, q) for a, q in zip(answers, questions, strict=True)]
    right = [question.right for question in questions]
    scores = (
        _score("accuracy", [whole for whole, _ in chosen], right),
        _score("accuracy_per_character", [each for _, each in chosen], right),
        _score("generated", said, right),
    )
    samples = tuple(
        Sample(SUITE, q.item_id, q.listed, q.choices[q.right], a.text, float(s == q.right))
        for q, a, s in zip(questions, answers, said, strict=True)
    )
    return Result(scores, samples)


def _likeliest(model: ChatModel, question: Question) -> tuple[int, int]:
    """Return the choice of the least nats, and of the least nats a character."""
    places = range(len(question.choices))
    losses = model.loss([question.as_item(place).messages for place in places])
    each = [x.sum_nats / len(c) for x, c in zip(losses, question.choices, strict=True)]
    return (
        min(places, key=lambda place: losses[place].sum_nats),
        min(places, key=lambda place: each[place]),
    )


def read(text: str, question: Question) -> int | None:
    """Return which choice an answer is: by its letter, or word for word; None if neither."""
    plain = _plain(text)
    for place, choice in enumerate(question.choices):
        if plain in (LETTERS[place].lower(), _plain(choice), _plain(f"{LETTERS[place]} {choice}")):
            return place
    return None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _score(metric: str, chosen: Sequence[int | None], right: Sequence[int]) -> Score:
    share = wilson(sum(c == r for c, r in zip(chosen, right, strict=True)), len(right))
    coverage = sum(c is not None for c in chosen) / len(right)
    return Score(SUITE, metric, share.value, share.low, share.high, len(right), coverage)
