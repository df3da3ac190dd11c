"""DPO and KTO on the primer's right and flawed answers: is the preference learned, what is lost?

    python -P tests/benchmarks/preferences.py [BASE_MODEL]     # embedded-quick

600 pairs of the primer, a right answer and one that is wrong, rude, foreign or repeated; a quarter
of the questions is held out.  DPO learns from the pairs, KTO from their 2 x n single answers as if
each had got a thumb.  Preference accuracy is the share of held-out pairs in which training raised
the right answer over the flawed one (.5 is no learning), with its interval by pairs; what is lost
is the anchor's loss.  Expected: a minute, .9 and more, a hundredth of a nat or two.
"""

import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from models.processes import calm_down

calm_down()

from models import qlora, recipes  # noqa: E402  after the environment is calm
from models.backends.embedded import TransformersModel  # noqa: E402
from models.base import BaseModel, ensure_base  # noqa: E402
from models.evaluation import anchor  # noqa: E402
from models.evaluation.preferences import Preferences, pairs, preference_accuracy  # noqa: E402
from models.evaluation.statistics import Interval  # noqa: E402
from models.primer.draw import Draw  # noqa: E402
from models.primer.formats.answers import attempt  # noqa: E402

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAIRS = 600
ANCHOR = 150
SEED = 7
METHODS = ("dpo", "kto")


def main(base_model: str) -> None:
    """Train by both methods; print and write what was learned and lost."""
    models = Path(os.environ.get("STEPPE_TEST_MODELS", ROOT / ".steppe" / "test-models"))
    base = ensure_base(base_model, models)
    train, held_out = _divided(_preferences())
    result = {
        "base": base.name,
        "pairs": len(train),
        "held_out": len(held_out),
        **{method: _measured(method, base, train, held_out) for method in METHODS},
    }
    written = json.dumps(result, indent=1, ensure_ascii=False)
    (HERE / "results" / "preferences.json").write_text(written + "\n", encoding="utf-8")
    sys.stdout.write(written + "\n")


def _preferences() -> list[dict[str, Any]]:
    """Return distinct pairs about the world, each a row as the trainer reads it."""
    draw = Draw(random.Random(SEED), "train")
    found: dict[tuple[str, str], dict[str, Any]] = {}
    while len(found) < PAIRS:
        tried = attempt(draw)
        if not tried.facts and tried.right != tried.flawed:
            found[tried.question, tried.flawed] = {
                "prompt": [{"role": "user", "content": tried.question}],
                "chosen": tried.right,
                "rejected": tried.flawed,
                "flaw": tried.flaw,
            }
    return list(found.values())


def _divided(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return training and held-out rows that share no question."""
    questions = sorted({row["prompt"][0]["content"] for row in rows})
    random.Random(SEED).shuffle(questions)
    kept_back = set(questions[: len(questions) // 4])
    parts: tuple[list[dict[str, Any]], list[dict[str, Any]]] = [], []
    for row in rows:
        parts[row["prompt"][0]["content"] in kept_back].append(row)
    return parts


def _measured(
    method: str, base: BaseModel, train: list[dict[str, Any]], held_out: list[dict[str, Any]]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        report = _trained(f"embedded_{method}", base, train, Path(folder))
        before, after = (
            TransformersModel(base.path),
            TransformersModel(base.path, Path(report.path)),
        )
        found = preference_accuracy(after, pairs(held_out), reference=before)
        items = anchor.items(seed=SEED, n=ANCHOR)
        old, new = (anchor.run(m, items, seed=0)[0].scores for m in (before, after))
    return {
        "steps": report.steps,
        "cpu_seconds": round(report.cpu_seconds, 1),
        "raised": _shown(found.raised(seed=0)),
        "raised_by_flaw": _by_flaw(found, held_out),
        "preferred": _shown(found.preferred(seed=0)),
        "gained": _shown(found.gained(seed=0)),
        "anchor_before": {s.metric: round(s.value, 3) for s in old},
        "anchor_after": {s.metric: round(s.value, 3) for s in new},
        "metrics": {name: round(value, 3) for name, value in report.metrics.items()},
    }


def _trained(
    recipe: str, base: BaseModel, rows: list[dict[str, Any]], folder: Path
) -> qlora.AdapterReport:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    request = qlora.TrainRequest(
        base_path=str(base.path),
        base_id=base.base_id,
        base_model=base.name,
        recipe=recipes.load(recipe).model_dump(mode="json"),
        rows_path=str(path),
        adapters_dir=str(folder / "adapters"),
        training_set_id="preferences",
    )
    return qlora.train(request, lambda _: None)


def _by_flaw(found: Preferences, rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    flaws = sorted({row["flaw"] for row in rows})
    parts = {
        flaw: tuple(p for p, row in zip(found.rows, rows, strict=True) if row["flaw"] == flaw)
        for flaw in flaws
    }
    return {flaw: _shown(Preferences(part).raised(seed=0)) for flaw, part in parts.items()}


def _shown(interval: Interval) -> dict[str, float]:
    return {
        "value": round(interval.value, 3),
        "low": round(interval.low, 3),
        "high": round(interval.high, 3),
    }


if __name__ == "__main__":
    main(*sys.argv[1:] or ["embedded-quick"])
