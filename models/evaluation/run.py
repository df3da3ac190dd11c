"""Run every suite on one model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models import adapters
from models.backends import Generation
from models.backends.embedded import TransformersModel
from models.chat import load_tokenizer, template_id
from models.evaluation import (
    Evaluation,
    Item,
    Result,
    anchor,
    choices,
    contamination,
    exact,
    health,
    held_out,
    probe,
    relevance,
    skills,
)
from models.evaluation.choices import Question
from models.evaluation.contamination import Checked

PROBES = 16
"""Prompts the probe looks at; one would do to tell a loaded adapter from none."""


@dataclass(frozen=True, slots=True)
class Items:
    """What the suites look at, chosen once so that every model meets the same.

    `suites` tells what the check for contamination made of each suite, `held_out_split` where the
    held-out dialogues come from.
    """

    held_out: Sequence[Item]
    exact: Sequence[Item]
    anchor: Sequence[Item]
    choices: Sequence[Question] = ()
    suites: Mapping[str, Checked] = field(default_factory=dict)
    held_out_split: str = "test"

    @classmethod
    def without_seen(
        cls,
        suites: Mapping[str, Sequence[Item]],
        seen: Mapping[str, str],
        *,
        max_share: float,
        choices: Sequence[Question] = (),
        held_out_split: str = "test",
    ) -> Items:
        """Return the items of `held_out`, `exact`, `anchor` and `choices`, none that was seen."""
        found = {
            name: contamination.checked(items, seen, max_share=max_share)
            for name, items in suites.items()
        }
        clean = {name: suite.clean for name, suite in found.items()}
        left = {item.item_id for item in clean.pop("choices", ())}
        given = [question for question in choices if question.item_id in left]
        return cls(**clean, choices=given, suites=found, held_out_split=held_out_split)


def evaluate(
    base_path: Path,
    adapter_path: Path | None,
    items: Items,
    *,
    base_id: str,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Evaluation:
    """Return every suite's result for a base, or for an adapter on it.

    An adapter that was trained for another base is not loaded: nothing of it is measured.
    `progress` gets (suite, done, total).
    """
    template = template_id(load_tokenizer(base_path))
    manifest = adapters.read_manifest(adapter_path) if adapter_path else None
    results = {contamination.SUITE: contamination.run(items.suites)} if items.suites else {}
    written = 0
    if manifest is None or manifest.base_id == base_id:
        model = TransformersModel(base_path, adapter_path)
        scored, written = _scored(model, items, seed, progress)
        results |= scored
    return Evaluation(
        model_id=manifest.adapter_id if manifest else base_path.name,
        base_id=base_id,
        template_id=template,
        results=results,
        trained_base_id=manifest.base_id if manifest else base_id,
        trained_template_id=manifest.template_id if manifest else template,
        held_out_split=items.held_out_split,
        tokens=written + sum(x.tokens for r in results.values() for x in r.losses.values()),
    )


def _scored(
    model: TransformersModel,
    items: Items,
    seed: int,
    progress: Callable[[str, int, int], None] | None,
) -> tuple[dict[str, Result], int]:
    """Return every suite's result, and how many tokens the model wrote for them."""

    def tell(suite: str) -> Callable[[int, int], None] | None:
        return (lambda done, total: progress(suite, done, total)) if progress else None

    started = time.monotonic()
    answers, spoken = exact.run(model, items.exact, progress=tell(exact.SUITE))
    remembered, retold = anchor.run(model, items.anchor, seed=seed, progress=tell(anchor.SUITE))
    said: list[Generation] = [*spoken, *retold]
    seconds = time.monotonic() - started
    asked = [*items.exact, *items.anchor]
    prompts, references = [i.prompt for i in asked], [i.reference for i in asked]
    results = {
        held_out.SUITE: held_out.run(model, items.held_out, seed=seed),
        relevance.SUITE: relevance.run(model, items.held_out, seed=seed),
        exact.SUITE: answers,
        anchor.SUITE: remembered,
        skills.SUITE: skills.run(remembered),
        **({choices.SUITE: choices.run(model, items.choices)} if items.choices else {}),
        health.SUITE: health.measure(said, references, seconds=seconds),
        probe.SUITE: probe.run(model.base_path, model.adapter_path, prompts[:PROBES]),
    }
    return results, sum(answer.tokens for answer in said)
