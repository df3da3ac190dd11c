"""A person's question in other words, with the person's own answer: new phrasings, no new facts."""

from __future__ import annotations

from collections.abc import Sequence

from models.backends import ChatModel, Generation
from models.primer import prompts
from models.self_chat import Plan, Progress, Seed, SelfChat, Turns
from models.self_chat.filters import Filters

METHOD = "paraphrase"


def run(
    model: ChatModel,
    seeds: Sequence[Seed],
    plan: Plan,
    filters: Filters,
    progress: Progress | None = None,
) -> list[SelfChat]:
    """Return `plan.paraphrases` tries a seed: each draw has its own number as its seed."""
    found: list[SelfChat] = []
    requests = [[{"role": "user", "content": prompts.paraphrase(s.question)}] for s in seeds]
    for draw in range(plan.paraphrases):
        number = plan.seed + draw
        said = model.generate(
            requests,
            max_new_tokens=plan.max_new_tokens,
            temperature=plan.temperature if draw else 0.0,
            seed=number,
        )
        pairs = zip(seeds, said, strict=True)
        found += [_judged(model.model_id, seed, text, number, filters) for seed, text in pairs]
        if progress:
            progress(METHOD, draw + 1, plan.paraphrases)
    return found


def _judged(
    generator: str, seed: Seed, said: Generation, number: int, filters: Filters
) -> SelfChat:
    reason = filters.paraphrase(seed.question, said)
    turns: Turns = (("user", said.text.strip()), ("assistant", seed.answer))
    depth = seed.depth + 1
    return SelfChat(turns, METHOD, generator, number, seed.dialogue_id, depth, not reason, reason)
