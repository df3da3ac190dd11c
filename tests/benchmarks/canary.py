"""How often the canary's interval holds the true difference, where people differ.

    python -P tests/benchmarks/canary.py

A canary that changes nothing, drawn a thousand times an arm through the mart `canary` itself: each
person's share of whole answers from a beta distribution (`alike` is the correlation of two answers
of one person), answers a person from a Poisson.  The true difference is 0; `without` is the same
interval from the answers as if each came from a person of its own.
"""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np

from lake import query
from lake.tables import Lake, Provenance
from models.evaluation.statistics import wilson

RESULTS = Path(__file__).parent / "results" / "canary.json"
DRAWS = 1_000
SEED = 0
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "steppe@aaaaaaaaaaaa", "steppe@bbbbbbbbbbbb"
ARMS = [
    {"challengers": a, "champions": b, "answers": n, "whole": p, "alike": r}
    for a, b in ((5, 5), (5, 20), (10, 40), (20, 20))
    for n in (2, 8)
    for p in (0.7, 0.9)
    for r in (0.0, 0.2)
]


def drawn(arm: dict[str, Any], rng: np.random.Generator) -> dict[str, list[Any]]:
    """Return the answers of every draw, a day a draw, as columns."""
    rows: dict[str, list[Any]] = {name: [] for name in ("day", "side", "person", "whole")}
    for day in range(DRAWS):
        for side, people in ((NEW, arm["challengers"]), (OLD, arm["champions"])):
            for person in range(people):
                share = arm["whole"]
                if arm["alike"]:
                    scale = 1 / arm["alike"] - 1
                    share = rng.beta(share * scale, (1 - share) * scale)
                for whole in rng.random(1 + rng.poisson(arm["answers"] - 1)) < share:
                    values = (day, side, f"{side}/{person}", bool(whole))
                    for name, value in zip(rows, values, strict=True):
                        rows[name].append(value)
    return rows


def written(lake: Lake, rows: dict[str, list[Any]]) -> None:
    """Write the answers, and a canary a day."""
    by, day = Provenance("benchmark"), BEGAN.date()
    blank = {"evaluation_id": "", "decided_by": "person", "reason": "", "probe_difference": None}
    reign = {"served_name": OLD, "adapter_id": "a" * 32, "from_adapter_id": "", **blank}
    trial = {"served_name": NEW, "adapter_id": "b" * 32, "from_adapter_id": "a" * 32, **blank}
    history = [{**reign, "deployment_id": "reign", "share": None, "deployed_at": BEGAN}] + [
        {
            **trial,
            "deployment_id": str(n),
            "share": 0.5,
            "deployed_at": BEGAN + timedelta(days=n + 1),
        }
        for n in range(DRAWS)
    ]
    lake.append("deployments_history", history, day=day, by=by)
    unknown = dict.fromkeys(("prompt_tokens", "completion_tokens", "seconds", "first_seconds"))
    answers = [
        {
            "answer_id": str(n),
            "conversation_id": "",
            "dialogue_id": "",
            "user_id": person,
            "served_name": side,
            "adapter_id": "",
            "finish": "stop" if whole else "failed",
            **unknown,
            "memories": [],
            "cached": False,
            "asked_at": BEGAN + timedelta(days=at + 1, hours=1),
        }
        for n, (at, side, person, whole) in enumerate(zip(*rows.values(), strict=True))
    ]
    lake.append("deployments_answers", answers, day=day, by=by)


def as_if_alone(row: dict[str, Any]) -> bool:
    """Say whether Newcombe's interval holds 0 where every answer counts as a person's only one."""
    counts = [(row[f"{side}_share"], row[f"{side}_n"]) for side in ("challenger", "champion")]
    one, other = (wilson(round(share * n), n) for share, n in counts)
    difference = one.value - other.value
    low = difference - hypot(one.value - one.low, other.high - other.value)
    return low <= 0 <= difference + hypot(one.high - one.value, other.value - other.low)


def measured(arm: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return how many of an arm's intervals hold the truth, with and without the design effect."""
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(Path(home))
        written(lake, drawn(arm, rng))
        rows = query.ask(lake, "from canary where measure = 'whole'")
    held = sum(row["low"] <= 0 <= row["high"] for row in rows)
    alone = sum(map(as_if_alone, rows))
    return {**arm, "draws": len(rows), "held": held / len(rows), "without": alone / len(rows)}


def main() -> None:
    """Measure every arm, and write what was found."""
    rng = np.random.default_rng(SEED)
    found = []
    for arm in ARMS:
        found.append(measured(arm, rng))
        print(json.dumps(found[-1]), flush=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
