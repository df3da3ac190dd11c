"""A person's question in other words, with the person's own answer: new phrasings, no new facts.

Whether the new words still ask for the same is judged by the model: reminded of the answer among
three others, it must find that answer the likeliest.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from models.backends import ChatModel, Generation
from models.primer import prompts
from models.self_chat import Plan, Progress, Seed, SelfChat, Turns
from models.self_chat.filters import Filters

METHOD = "paraphrase"
DISTRACTORS = 3


def run(
    model: ChatModel,
    seeds: Sequence[Seed],
    plan: Plan,
    filters: Filters,
    progress: Progress | None = None,
) -> list[SelfChat]:
    """Return `plan.paraphrases` tries a seed: each draw has its own number as its seed."""
    found: list[SelfChat] = []
    for draw in range(plan.paraphrases):
        number = plan.seed + draw
        said = _reworded(model, seeds, plan, number, greedy=draw == 0)
        tries = [
            _Try(seed, x.text.strip(), filters.paraphrase(seed.question, x))
            for seed, x in zip(seeds, said, strict=True)
        ]
        for tried in _misunderstood(model, tries, number):
            tried.reason = "not_answered"
        found += [_made(model.model_id, tried, number) for tried in tries]
        if progress:
            progress(METHOD, draw + 1, plan.paraphrases)
    return found


@dataclass(slots=True)
class _Try:
    seed: Seed
    text: str
    reason: str


def _reworded(
    model: ChatModel, seeds: Sequence[Seed], plan: Plan, number: int, *, greedy: bool
) -> list[Generation]:
    return model.generate(
        [[{"role": "user", "content": prompts.paraphrase(s.question)}] for s in seeds],
        max_new_tokens=plan.max_new_tokens,
        temperature=0.0 if greedy else plan.temperature,
        seed=number,
    )


def _misunderstood(model: ChatModel, tries: Sequence[_Try], number: int) -> list[_Try]:
    """Return the tries to whose words the reminded model prefers another answer."""
    rng = random.Random(f"distractors/{number}")
    good = [tried for tried in tries if not tried.reason]
    told = sorted({tried.seed for tried in tries}, key=lambda seed: seed.dialogue_id)
    talks: list[list[list[dict[str, str]]]] = []
    for tried in good:
        others = [seed for seed in told if seed.answer != tried.seed.answer]
        choices = [tried.seed, *rng.sample(others, min(DISTRACTORS, len(others)))]
        facts = sorted(seed.fact for seed in choices)
        talks.append([_reminded(facts, tried.text, seed.answer) for seed in choices])
    losses = iter(model.loss([talk for choices in talks for talk in choices]))
    rows = [[x.sum_nats / max(x.tokens, 1) for x in islice(losses, len(c))] for c in talks]
    return [tried for tried, row in zip(good, rows, strict=True) if row[0] > min(row)]


def _reminded(facts: Sequence[str], question: str, answer: str) -> list[dict[str, str]]:
    return [
        {"role": "system", "content": prompts.memory(facts)},
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]


def _made(generator: str, tried: _Try, number: int) -> SelfChat:
    seed, reason = tried.seed, tried.reason
    turns: Turns = (("user", tried.text), ("assistant", seed.answer))
    depth = seed.depth + 1
    return SelfChat(turns, METHOD, generator, number, seed.dialogue_id, depth, not reason, reason)
