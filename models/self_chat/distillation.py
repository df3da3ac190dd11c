"""Several answers to one question, judged; the best is kept, and preferred to the worst.

Baize's self-distillation with feedback (arXiv 2304.01196 §3.3) scores four answers from 1 to 100;
here they are compared in pairs, in both orders, which a small judge can do.  The judge must be
another model than the one that answers: without one nothing is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from models.backends import Generation
from models.self_chat import Preference, Seed
from models.self_chat.comparison import both_orders
from models.self_chat.stage import Draft, Stage, drawn, reminders

OTHERS = 3
"""Facts beside the right one in the answerer's memory."""


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return the best of `samples` answers to one question a seed."""
    drafts = [Draft(seed) for seed in seeds]
    if stage.judge is None:
        for draft in drafts:
            draft.asked = draft.seed.question
            draft.refuse("no_other_judge")
        return drafts
    stage.reworded(drafts, number)
    rng = [drawn("distillation", number, seed) for seed in seeds]
    facts = [reminders(seeds, s, chance, OTHERS) for s, chance in zip(seeds, rng, strict=True)]
    views = [
        stage.phrases.reminded(f, [("user", d.asked)]) for f, d in zip(facts, drafts, strict=True)
    ]
    rounds = [
        stage.say(drafts, views, number=number + k, bold=True) for k in range(stage.plan.samples)
    ]
    for draft, answers in zip(drafts, zip(*rounds, strict=True), strict=True):
        _choose(stage, draft, answers)
    return drafts


def _choose(stage: Stage, draft: Draft, answers: Sequence[Generation]) -> None:
    different = {answer.text.strip(): answer for answer in answers if answer.text.strip()}
    if len(different) < 2:
        draft.refuse("all_the_same")
        return
    points: Counter[str] = Counter(dict.fromkeys(different, 0))
    for one, other in combinations(different, 2):
        preferred = both_orders(stage, draft, one, other)
        points[one] += int(2 * preferred)
        points[other] -= int(2 * preferred)
    ranked = points.most_common()
    (best, most), (worst, least) = ranked[0], ranked[-1]
    draft.scores["judge"] = most / (2 * (len(different) - 1))
    if most == least:
        draft.refuse("judge_undecided")
    elif reason := stage.hears(draft, different[best]):
        draft.refuse(reason)
    else:
        draft.turns = [("user", draft.asked), ("assistant", best)]
        draft.preferences.append(Preference((("user", draft.asked),), best, worst, "judge"))
