"""One model on both sides of a talk: a curious user with a topic, and the assistant.

The user's side sees the talk with the roles swapped; the assistant's side is reminded of what
the person answered.  A talk ends when the user thanks, repeats a question, or after `rounds`;
what was said last stays in it, which the published parser loses (`collect_v2.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.self_chat import Seed
from models.self_chat.stage import Draft, Stage, going_on


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one talk a seed; all talks go on side by side, a batch a turn."""
    drafts = [Draft(seed) for seed in seeds]
    for turn in range(stage.plan.rounds):
        stage.ask(going_on(drafts), number + turn)
        _answer(stage, going_on(drafts), number + turn)
    return drafts


def _answer(stage: Stage, drafts: list[Draft], number: int) -> None:
    views = [stage.phrases.reminded(d.seed.facts, [*d.turns, ("user", d.asked)]) for d in drafts]
    said = stage.say(drafts, views, number=number, greedy=True)
    for draft, answer in zip(drafts, said, strict=True):
        if reason := stage.hears(draft, answer):
            draft.stop(reason)
        else:
            draft.turns += [("user", draft.asked), ("assistant", answer.text.strip())]
