"""Labels by a judge (RLAIF, arXiv 2212.08073 §4): both orders, and what they agree on counts."""

from __future__ import annotations

from models.evaluation.pairwise import POINTS
from models.self_chat.stage import Draft, Stage


def both_orders(stage: Stage, draft: Draft, one: str, other: str) -> float:
    """Return by how much a judge prefers `one`, from -1 to 1; 0 where there is no judge.

    An opinion that turns with the order cancels out, and one that cannot be read is none.
    """
    if stage.judge is None:
        return 0.0
    there = stage.judge.judge(draft.asked, one, other, draft.seed.facts)
    back = stage.judge.judge(draft.asked, other, one, draft.seed.facts)
    points = [POINTS[there.choice] - 0.5] if there.choice else []
    points += [0.5 - POINTS[back.choice]] if back.choice else []
    draft.tokens += there.tokens + back.tokens
    draft.seconds += there.seconds + back.seconds
    draft.judge = stage.judge.judge_id
    draft.scores["judge"] = sum(points)
    return sum(points)
