"""How often intervals hold the truth, and how often a worthless challenger gets through.

    python -m pytest -s -m benchmark tests/benchmarks/test_gate.py

Simulated dialogues are as the measured ones: 3 to some hundred tokens (lognormal), differences in
nats a token with heavy tails (Student's t of 5 degrees) that shrink with length, and what is
common to a dialogue.  What is called here is what the gate calls.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from models import gate
from models.evaluation.statistics import paired

RESULTS = Path(__file__).parent / "results"
COMPARISONS = 2_000
MONTHS, NIGHTS = 600, 30
GAIN = 0.05


def dialogues(rng, n):
    """Return token counts, and a champion's noise on each dialogue in nats a token."""
    tokens = np.maximum(3, rng.lognormal(3.0, 0.8, n)).round()
    return tokens, _noise(rng, tokens)


def _noise(rng, tokens):
    n = len(tokens)
    return rng.standard_t(5, n) * 0.5 / np.sqrt(tokens) + rng.normal(0, 0.15, n)


@pytest.mark.benchmark
def test_a_95_percent_interval_holds_the_truth_so_often():
    found = {}
    for n in (10, 20, 50, 200, 1000):
        held = 0
        for number in range(COMPARISONS):
            rng = np.random.default_rng([n, number])
            tokens, noise = dialogues(rng, n)
            interval = paired(tokens * (GAIN + noise), tokens, seed=number)
            held += interval.low <= GAIN <= interval.high
        found[n] = held / COMPARISONS
    print(found)
    _keep("coverage", found)

    assert all(0.93 <= found[n] <= 0.97 for n in (50, 200, 1000))


@pytest.mark.benchmark
def test_a_worthless_challenger_seldom_gets_through_in_a_month():
    """30 candidates a month against one champion on the same dialogues, none truly better."""
    alpha, found = gate.load_policy().improvement.alpha, {}
    for n in (10, 20, 50, 200):
        spent = naive = 0
        for month in range(MONTHS):
            let_through = [_tried(n, month, night, alpha) for night in range(1, NIGHTS + 1)]
            spent += any(by_share for by_share, _ in let_through)
            naive += any(at_95 for _, at_95 in let_through)
        found[n] = {"alpha spending": spent / MONTHS, "95 % every night": naive / MONTHS}
    print(found)
    _keep("null_months", found)

    assert all(found[n]["alpha spending"] <= 0.05 for n in (50, 200))


def _tried(n, month, night, alpha):
    """Return whether the night's candidate passes at its share of alpha, and at 95 %."""
    tokens, champion = dialogues(np.random.default_rng([n, month]), n)
    challenger = _noise(np.random.default_rng([n, month, night]), tokens)
    saved = tokens * (champion - challenger)
    level = 1 - gate.share_of_alpha(alpha, night)
    at_95 = paired(saved, tokens, seed=night).low > 0
    return at_95 and paired(saved, tokens, seed=night, level=level).low > 0, at_95


def _keep(name, figures):
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"gate_{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
