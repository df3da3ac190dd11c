"""Run every suite on one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.backends import TransformersModel
from models.evaluation import Evaluation, Item, anchor, exact, health, held_out, probe

PROBES = 16
"""Prompts the probe looks at; one would do to tell a loaded adapter from none."""


@dataclass(frozen=True, slots=True)
class Items:
    """What the suites look at, chosen once so that every model meets the same."""

    held_out: Sequence[Item]
    exact: Sequence[Item]
    anchor: Sequence[Item]


def evaluate(
    model: TransformersModel,
    items: Items,
    *,
    base_id: str,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Evaluation:
    """Return every suite's result for one model; `progress` gets (suite, done, total)."""

    def tell(suite: str) -> Callable[[int, int], None] | None:
        return (lambda done, total: progress(suite, done, total)) if progress else None

    answers, spoken = exact.run(model, items.exact, progress=tell(exact.SUITE))
    results = {
        held_out.SUITE: held_out.run(model, items.held_out, seed=seed),
        exact.SUITE: answers,
        anchor.SUITE: anchor.run(model, list(items.anchor), seed=seed, progress=tell(anchor.SUITE)),
        health.SUITE: health.measure(spoken),
        probe.SUITE: probe.run(model, [item.prompt for item in items.exact[:PROBES]]),
    }
    return Evaluation(model.model_id, base_id, model.template_id, results)
