"""Do choices teach?  DPO on critique pairs, KTO on simulated thumbs, after a real SFT adapter.

    python -P tests/benchmarks/critique_pairs.py --home .steppe     # after `make run`: ten minutes

The bare base answers the sample's questions from nothing, criticises itself by the constitution
while it remembers what the person said, and mends its answer: (revision over first answer) is a
pair; to the sample's facts come 400 that an invented person told.  Held out are the pairs of a
fifth of the facts, and of the others a fifth of the questions.  From the champion DPO learns the
rest, and KTO a thumb up or a thumb down for each of its answers.  Measured, with intervals over
pairs: how many held-out pairs are ranked right, before and after; and over the 87 held-out
questions: the loss before and after.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets import sessions, talks
from assets.lineage import adapter_folder, champion
from lake.ids import content_id
from lake.settings import Settings, load
from lake.tables import Lake
from models import recipes
from models.backends.embedded import TransformersModel
from models.base import BaseModel, find_base
from models.evaluation.preferences import Pair, preference_accuracy
from models.evaluation.statistics import Interval, improvement
from models.processes import calm_down
from models.self_chat import Preference
from models.self_chat.generation import generate
from models.self_chat.invented import invented_facts

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results" / "critique_pairs.json"
DRAWS = 3
FACTS = 400


def main(arguments: argparse.Namespace) -> None:
    """Make the pairs, train both ways, and write what was measured."""
    calm_down()
    settings = load(home=arguments.home.absolute())
    base = find_base(settings.base_model, settings.models_dir)
    if base is None:
        raise SystemExit(f"no base in {settings.home}: `make run` first")
    learned, held_out = divided(pairs_of(settings, base))
    parent = adapter_folder(settings, champion(Lake(settings.home), base.base_id))
    counts = {name: len(rows) for name, rows in held_out.items()}
    found: dict[str, Any] = {"pairs": len(learned), "held_out_pairs": counts}
    with tempfile.TemporaryDirectory() as folder:
        for method, rows in (("dpo", learned), ("kto", thumbs(learned))):
            report = _train(base, parent, method, rows, Path(folder))
            found[method] = _measured(base, parent, report, held_out)
            print(json.dumps({method: found[method]}, ensure_ascii=False), flush=True)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def pairs_of(settings: Settings, base: BaseModel) -> list[Preference]:
    """Return the pairs that the base's critique of its own answers gives."""
    lake = Lake(settings.home)
    day = talks.Talks(lake, settings, base, datetime.now(UTC).date() + timedelta(days=1))
    told = sessions.talked_over(lake)
    plan = replace(
        talks.plan_of(settings),
        draws={"constitution": DRAWS},
        max_seeds=len(told) + FACTS,
        seed=77_000,
    )
    seeds = [*day.seeds(told, plan.seed), *invented_facts(FACTS)]
    stage = replace(day.stage(seeds, plan), model=TransformersModel(base.path), judge=None)
    return list({p: None for chat in generate(stage, seeds) for p in chat.preferences})


def divided(
    pairs: list[Preference],
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Return the pairs to learn from, and those held out: other facts, other questions."""
    learned: list[dict[str, Any]] = []
    held_out: dict[str, list[dict[str, Any]]] = {"other_facts": [], "other_questions": []}
    for pair in pairs:
        if _is_fifth("fact", pair.chosen):
            held_out["other_facts"].append(_row(pair))
        elif _is_fifth("question", pair.prompt[-1][1]):
            held_out["other_questions"].append(_row(pair))
        else:
            learned.append(_row(pair))
    return learned, held_out


def _is_fifth(kind: str, text: str) -> bool:
    """Say whether a fact or a question is of the held-out fifth."""
    return int(content_id(kind, text)[:8], 16) % 5 == 0


def _row(pair: Preference) -> dict[str, Any]:
    prompt = [{"role": role, "content": content} for role, content in pair.prompt]
    answers = {"chosen": pair.chosen, "rejected": pair.rejected}
    return {"prompt": prompt, **answers, "weight": 1.0, "role": "preference"}


def thumbs(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one thumb an answer, each alone, in an order of its own."""
    found = [{**row, side: ""} for row in pairs for side in ("chosen", "rejected")]
    random.Random("thumbs").shuffle(found)
    return found


def _train(
    base: BaseModel, parent: Path, method: str, rows: list[dict[str, Any]], folder: Path
) -> dict[str, Any]:
    path = folder / f"{method}.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n")
    request = {
        "base_path": str(base.path),
        "base_id": base.base_id,
        "base_model": base.name,
        "recipe": recipes.load(f"embedded_{method}").model_dump(mode="json"),
        "rows_path": str(path),
        "adapters_dir": str(folder / "adapters"),
        "training_set_id": f"benchmark-{method}",
        "parent_adapter": str(parent),
    }
    asked = folder / f"{method}.json"
    asked.write_text(json.dumps(request), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "models.train", str(asked)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _measured(
    base: BaseModel,
    parent: Path,
    report: dict[str, Any],
    held_out: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    before = TransformersModel(base.path, parent)
    after = TransformersModel(base.path, Path(report["path"]))
    exam = _exam()
    loss = improvement(before.loss(exam), after.loss(exam), seed=0)
    ranked = {name: _ranked(before, after, rows) for name, rows in held_out.items()}
    return {
        "steps": report["steps"],
        "seconds": round(report["seconds"], 1),
        "rows_dropped": report["rows_dropped"],
        **ranked,
        "nats_saved_on_held_out_questions": _shown(loss),
    }


def _ranked(
    before: TransformersModel, after: TransformersModel, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return how many pairs are ranked right, and in how many the right answer was raised."""
    asked = [
        Pair(str(n), tuple(row["prompt"]), row["chosen"], row["rejected"])
        for n, row in enumerate(rows)
    ]
    was = preference_accuracy(before, asked, reference=before)
    now = preference_accuracy(after, asked, reference=before)
    return {
        "accuracy_before": _shown(was.preferred(seed=0)),
        "accuracy_after": _shown(now.preferred(seed=0)),
        "accuracy_gained": _shown(now.gained(seed=0)),
        "raised": _shown(now.raised(seed=0)),
    }


def _exam() -> list[list[dict[str, str]]]:
    path = ROOT / "assets" / "sources" / "samples" / "held_out.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [
        [
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": row["answer"]},
        ]
        for row in rows
    ]


def _shown(interval: Interval) -> list[float]:
    return [round(x, 4) for x in (interval.value, interval.low, interval.high)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--home", type=Path, required=True)
    main(parser.parse_args())
