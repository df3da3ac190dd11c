"""By which name a judge's opinions are kept, and whether it is the model that it judges."""

from __future__ import annotations

RUBRIC = "rubric:"
"""What the id of a judge begins with that is one of our own models, by the start of its id."""


def judges_itself(judge_id: str, model_id: str) -> bool:
    """Return whether a judge is the model whose words it judges."""
    if judge_id.startswith(RUBRIC):
        return model_id.startswith(judge_id.removeprefix(RUBRIC))
    return bool(judge_id) and judge_id == model_id
