"""The anchor skill by skill: what exactly was forgotten.

The primer's skills have determined answers (`models.primer.skills`), and an anchor item's id
begins with its skill, so this costs nothing beyond the anchor.
"""

from __future__ import annotations

from collections import defaultdict

from models.evaluation import Result, Score
from models.evaluation.statistics import wilson

SUITE = "skills"


def run(anchored: Result) -> Result:
    """Return the share of exact answers of each skill, from what the anchor found."""
    right: dict[str, list[float]] = defaultdict(list)
    for sample in anchored.samples:
        skill, slash, _ = sample.item_id.partition("/")
        if slash:
            right[skill].append(sample.score)
    scores = []
    for skill, found in sorted(right.items()):
        share = wilson(int(sum(found)), len(found))
        scores.append(Score(SUITE, skill, share.value, share.low, share.high, len(found)))
    return Result(tuple(scores))
