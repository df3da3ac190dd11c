"""The anchor: primer dialogues that no growth and no training saw.  A drop here is forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.backends import ChatModel, Generation, Progress
from models.evaluation import Evaluation, Item, Result, exact, held_out
from models.evaluation.statistics import Interval, paired

SUITE = "anchor"


def items(*, seed: int, n: int) -> list[Item]:
    """Return n primer dialogues, each cut after one answer that is determined."""
    from models import primer

    found: list[Item] = []
    for dialogue in primer.dialogues(seed, 2 * n, split="held_out"):
        if dialogue.scored:
            upto = dialogue.scored[-1] + 1
            turns = tuple(dict(m) for m in dialogue.messages[:upto])
            found.append(Item(f"{dialogue.skill}-{len(found):04d}", turns))
        if len(found) == n:
            break
    return found


def run(
    model: ChatModel, chosen: Sequence[Item], *, seed: int, progress: Progress | None = None
) -> tuple[Result, list[Generation]]:
    """Return loss and exactness on the anchor's items, and the answers themselves."""
    loss = held_out.run(model, chosen, seed=seed, suite=SUITE)
    right, answers = exact.run(model, chosen, suite=SUITE, progress=progress)
    scores = (*loss.scores, *right.scores)
    return replace(loss, scores=scores, samples=right.samples), answers


def lost(champion: Evaluation, challenger: Evaluation, *, seed: int) -> dict[str, Interval]:
    """Return what the challenger does worse than the champion, paired: positive is worse.

    `exact` is a share of the answers, `nats_per_token` a rise of the loss.
    """
    nothing = Result(())
    old, new = (e.results.get(SUITE, nothing) for e in (champion, challenger))
    before = {s.item_id: s.score for s in old.samples}
    after = {s.item_id: s.score for s in new.samples}
    drops = [before[i] - after[i] for i in sorted(before.keys() & after.keys())]
    gained, _ = held_out.compare(old, new, seed=seed)
    rise = Interval(-gained.value, -gained.high, -gained.low)
    return {"exact": paired(drops, seed=seed), "nats_per_token": rise}
