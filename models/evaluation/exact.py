"""Greedy answers that equal the reference, up to spaces: the strictest question there is."""

from __future__ import annotations

from collections.abc import Sequence

from models.backends import ChatModel, Generation, Progress
from models.evaluation import Item, Result, Sample, Score
from models.evaluation.statistics import wilson

SUITE = "exact"
MAX_NEW_TOKENS = 64


def run(
    model: ChatModel,
    items: Sequence[Item],
    *,
    suite: str = SUITE,
    max_new_tokens: int = MAX_NEW_TOKENS,
    progress: Progress | None = None,
) -> tuple[Result, list[Generation]]:
    """Return the share of exact answers with Wilson's interval, and the answers themselves.

    Coverage is the share of answers that ended by themselves within `max_new_tokens`.
    """
    prompts = [item.prompt for item in items]
    answers = model.generate(prompts, max_new_tokens=max_new_tokens, progress=progress)
    samples = tuple(
        _sample(item, answer, suite) for item, answer in zip(items, answers, strict=True)
    )
    if not samples:
        return Result(()), answers
    right = wilson(sum(s.score == 1.0 for s in samples), len(samples))
    ended = sum(a.finish == "stop" for a in answers) / len(answers)
    score = Score(suite, "exact", right.value, right.low, right.high, len(samples), ended)
    return Result((score,), samples), answers


def _sample(item: Item, answer: Generation, suite: str) -> Sample:
    same = answer.finish == "stop" and plain(answer.text) == plain(item.reference)
    asked = item.prompt[-1]["content"] if item.prompt else ""
    return Sample(suite, item.item_id, asked, item.reference, answer.text, float(same))


def plain(text: str) -> str:
    """Return the text with every run of spaces as one, and none at its ends."""
    return " ".join(text.split())
