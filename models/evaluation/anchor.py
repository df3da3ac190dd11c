"""The anchor: primer dialogues that no growth and no training saw.  A drop here is forgetting."""

from __future__ import annotations

from dataclasses import replace

from models.backends import ChatModel, Progress
from models.evaluation import Item, Result, exact, held_out

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
    model: ChatModel, chosen: list[Item], *, seed: int, progress: Progress | None = None
) -> Result:
    """Return loss and exactness on the anchor's items."""
    loss = held_out.run(model, chosen, seed=seed, suite=SUITE)
    right, _ = exact.run(model, chosen, suite=SUITE, progress=progress)
    return replace(loss, scores=(*loss.scores, *right.scores), samples=right.samples)
