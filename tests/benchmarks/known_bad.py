"""Does the gate block every bad adapter for its own reason, and let good ones through?

    python -P tests/benchmarks/known_bad.py [SEEDS [GOOD]]

The shipped sample is taken in and cleaned, training sets are mixed for the quick base, and the
adapters of `models.evaluation.known_bad` are made from them and judged against the bare base.
Good ones are other seeds, ranks, rates and shares of replay.  Two processes; the table goes to
docs/experiments.md.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "known_bad.json"
RECIPES = (
    {},
    {"lora": {"r": 16, "alpha": 32}},
    {"optimizer": {"lr": 3e-3}},
    {"mixture": {"primer": 4.5}},
    {"mixture": {"repeat": 5.0}},
)


def prepare(home: Path) -> None:
    """Take the sample in, as far as embeddings, on the quick base."""
    from assets import inbox
    from lake.settings import load
    from models.base import ensure_base
    from orchestration import turn

    samples = Path(inbox.__file__).parent / "sources" / "samples"
    chosen = load(home=home, base_model="embedded-quick")
    shared = Path(os.environ.get("STEPPE_TEST_MODELS", Path.cwd() / ".steppe" / "test-models"))
    base = ensure_base("embedded-quick", shared)
    shutil.copytree(base.path, chosen.models_dir / "bases" / base.path.name)
    from datetime import date

    inbox.take_in([samples / "dialogues"], chosen.inbox, day=date(2026, 1, 1))
    (home / "suites").mkdir()
    shutil.copy(samples / "held_out.jsonl", home / "suites" / "sample.jsonl")
    turn.grow(chosen, until="embeddings")


@cache
def field(home: Path) -> Any:
    """Return what every judgement in a process shares: suites, the base, its own scores."""
    from assets import exams
    from lake.settings import load
    from lake.tables import Lake
    from models import base as bases
    from models import gate

    chosen = load(home=home, base_model="embedded-quick")
    lake, policy = Lake(home), gate.load_policy()
    base = bases.find_base("embedded-quick", chosen.models_dir)
    split, held_out = exams.held_out_items(lake, enough=10)
    suites = {"held_out": held_out, "exact": exams.questions(home / "suites")}
    return chosen, lake, base, policy, split, {**suites, "anchor": exams.anchor(lake)}


def ground(home: Path, changes: dict[str, Any], seed: int) -> Any:
    """Return the ground of one adapter: its recipe, and the rows that this recipe mixes."""
    from assets import training_sets
    from lake.ids import json_id
    from models import recipes
    from models.evaluation.known_bad import Ground

    chosen, lake, base, _, _, suites = field(home)
    recipe = recipes.load("embedded").model_dump(mode="json") | {"seed": seed}
    recipe = {k: v | changes[k] if k in changes else v for k, v in recipe.items()}
    del recipe["name"]
    path = home / f"recipe-{json_id(recipe)}.toml"
    path.write_text(_toml(recipe), encoding="utf-8")
    planned = training_sets.plan(lake, chosen.model_copy(update={"recipe": str(path)}))
    rows = [{"messages": r.as_chat(), "weight": r.weight, "role": r.role} for r in planned.rows]
    folder = home / "known_bad" / f"{seed}-{path.stem}"
    return Ground(base.path, base.base_id, rows, suites["held_out"], recipes.load(path), folder)


def _toml(recipe: dict[str, Any]) -> str:
    """Return a recipe as TOML: what it holds reads the same in JSON, table by table."""
    plain = {k: v for k, v in recipe.items() if not isinstance(v, dict)}
    parts = [f"{k} = {json.dumps(v)}" for k, v in plain.items()]
    for name, part in ((k, v) for k, v in recipe.items() if isinstance(v, dict)):
        parts += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in part.items())]
    return "\n".join(parts) + "\n"


def one(home: Path, kind: str, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Make one adapter, judge it against the base, and return what was found."""
    from assets import contamination
    from assets.cleaning import load_policy
    from models import gate
    from models.evaluation import known_bad
    from models.evaluation.run import Items, evaluate
    from models.processes import calm_down

    calm_down()
    import torch

    torch.set_num_threads(1)
    _, _, base, policy, split, suites = field(home)
    began = time.process_time()
    from_here = ground(home, changes, seed)
    made = (
        known_bad.good(from_here, seed)
        if kind == "good"
        else known_bad.make(kind, from_here, seed=seed)
    )
    trained = time.process_time()
    everyone = [item for suite in suites.values() for item in suite]
    seen = contamination.seen(everyone, [r["messages"] for r in made.rows], load_policy())
    most = policy.contamination.max_share
    items = Items.without_seen(suites, seen, max_share=most, held_out_split=split)
    before = evaluate(base.path, None, items, base_id=base.base_id)
    after = evaluate(base.path, made.path, items, base_id=base.base_id)
    verdict = gate.judge(before, after, policy)
    found = {f"{s.suite}.{s.metric}": round(s.value, 4) for s in after.scores}
    return {
        "kind": kind,
        "seed": seed,
        "changes": changes,
        "passed": verdict.passed,
        "failed": list(verdict.failed),
        "reasons": [str(r) for r in verdict.rules if not r.held],
        "improvement": [verdict.improvement, verdict.low, verdict.high],
        "scores": found,
        "seconds": [trained - began, time.process_time() - trained],
    }


def main(seeds: int = 3, good: int = 20, kinds: str = "") -> None:
    """Judge every kind over the seeds, and so many good ones; print and keep the table."""
    from models.evaluation.known_bad import KINDS

    chosen = kinds.split(",") if kinds else list(KINDS)
    asked = [(kind, seed, {}) for seed in range(seeds) for kind in chosen]
    asked += [("good", n, RECIPES[n % len(RECIPES)]) for n in range(good)]
    context = multiprocessing.get_context("spawn")
    rows = []
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2, context) as pool:
        home = Path(folder) / "home"
        prepare(home)
        for task in as_completed([pool.submit(one, home, *a) for a in asked]):
            row = task.result()
            rows.append(row)
            print(json.dumps(row, ensure_ascii=False), flush=True)
    rows.sort(key=lambda r: (r["kind"], r["seed"]))
    if not kinds:
        RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    tell(rows)


def tell(rows: list[dict[str, Any]]) -> None:
    """Print the table: blocked and for the right reason, by kind; passed, of the good ones."""
    from models.evaluation.known_bad import KINDS

    by_kind = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row)
    print("\n| kind | n | blocked | by its rule | rules that failed |\n|---|---|---|---|---|")
    for kind, found in by_kind.items():
        blocked = sum(not r["passed"] for r in found)
        rule = KINDS[kind].rule if kind in KINDS else ""
        right = sum(rule in r["failed"] for r in found) if rule else ""
        failed = Counter(name for r in found for name in r["failed"])
        others = ", ".join(f"{name} {n}" for name, n in failed.most_common())
        print(f"| {kind} | {len(found)} | {blocked} | {rule} {right} | {others} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
