"""Is the adapter really the one that was trained, and does it really change the answers?

An adapter that was not loaded scores exactly as the base does; every other suite would call
that "no forgetting".
"""

from __future__ import annotations

from pathlib import Path

from lake.errors import DeploymentError
from models import adapters
from models.backends import Conversations, TransformersModel
from models.evaluation import Result, Score

SUITE = "probe"


def run(model: TransformersModel, prompts: Conversations) -> Result:
    """Return `files_match` (1 or 0) and `logit_difference`, the largest over the prompts.

    For a model without an adapter both are 0: there is nothing to probe.
    """
    matches = difference = 0.0
    if model.adapter_path is not None:
        matches = float(_is_sound(model.adapter_path))
        difference = logit_difference(model, prompts)
    each = {"files_match": matches, "logit_difference": difference}
    return Result(tuple(Score(SUITE, m, x, x, x, len(prompts)) for m, x in each.items()))


def logit_difference(model: TransformersModel, prompts: Conversations) -> float:
    """Return the largest absolute change of a first-token logit that the adapter makes."""
    if not prompts:
        return 0.0
    with_it = model.next_logits(prompts)
    without = model.next_logits(prompts, adapted=False)
    return float((with_it - without).abs().max())


def _is_sound(folder: Path) -> bool:
    try:
        adapters.verify(folder)
    except DeploymentError:
        return False
    return True
