"""A person's question in other words, with the person's own answer: new phrasings, no new facts.

Whether the new words still ask for the same is judged by the model: reminded of the answer among
three others, it must find that answer the likeliest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from lake.errors import BackendUnavailable
from models.self_chat import Seed
from models.self_chat.stage import Draft, Stage, drawn, going_on

DISTRACTORS = 3


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one rewording a seed; the first draw of a plan is greedy."""
    drafts = [Draft(seed) for seed in seeds]
    asked = [stage.phrases.paraphrase(seed.question) for seed in seeds]
    said = stage.say(drafts, asked, number=number, greedy=number == stage.plan.seed)
    for draft, text in zip(drafts, said, strict=True):
        draft.asked = text.text.strip()
        if reason := stage.filters.reworded(draft.seed.question, text):
            draft.refuse(reason)
    for draft in _misunderstood(stage, going_on(drafts), number):
        draft.refuse("not_answered")
    for draft in going_on(drafts):
        draft.turns = [("user", draft.asked), ("assistant", draft.seed.answer)]
    return drafts


def _misunderstood(stage: Stage, drafts: Sequence[Draft], number: int) -> list[Draft]:
    """Return the drafts to whose words the reminded model prefers another answer.

    A model behind an API tells no losses; its rewordings are then taken at their word.
    """
    seeds = [draft.seed for draft in drafts]
    choices = [_choices(seeds, seed, number) for seed in seeds]
    talks = [
        _reminded(stage, among, draft.asked, seed.answer)
        for draft, among in zip(drafts, choices, strict=True)
        for seed in among
    ]
    try:
        losses = iter(stage.model.loss(talks))
    except BackendUnavailable:
        return []
    rows = [[x.sum_nats / max(x.tokens, 1) for x in islice(losses, len(c))] for c in choices]
    return [draft for draft, row in zip(drafts, rows, strict=True) if row[0] > min(row)]


def _choices(seeds: Sequence[Seed], seed: Seed, number: int) -> list[Seed]:
    others = [other for other in seeds if other.answer != seed.answer]
    chance = drawn("distractors", number, seed)
    return [seed, *chance.sample(others, min(DISTRACTORS, len(others)))]


def _reminded(
    stage: Stage, among: Sequence[Seed], question: str, answer: str
) -> list[dict[str, str]]:
    facts = sorted(seed.fact for seed in among)
    return stage.phrases.reminded(facts, [("user", question), ("assistant", answer)])
