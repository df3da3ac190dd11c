"""Ten thousand orders of the published matches: how near the paper, in how many CPU seconds.

python -m pytest -s -m benchmark tests/benchmarks/test_ratings.py
"""

import json
import time
from pathlib import Path

import pytest

from models.evaluation import pairwise
from models.evaluation.judges import people
from models.evaluation.ratings import bradley_terry, elo

RESULTS = Path(__file__).parent / "results" / "ratings.json"
PUBLISHED = {"gpt4": 1348, "65b": 1022, "30b": 992, "vicuna": 974, "gpt35": 966, "bard": 902}
PUBLISHED |= {"13b": 916, "7b": 879}


def short(name: str) -> str:
    return name.removeprefix("answer-").split("-")[0]


@pytest.mark.benchmark
def test_the_published_elo_column(shared_data: Path) -> None:
    matches = pairwise.matches(people.reviews(shared_data / "qlora" / "vicuna_pairwise"))

    began = time.process_time()
    rated = elo(matches, permutations=10_000)
    seconds = time.process_time() - began
    began = time.process_time()
    strengths = bradley_terry(matches)
    found = {
        "elo": {short(r.player): round(r.value, 2) for r in rated},
        "bradley_terry": {
            short(r.player): [round(r.value, 1), round(r.low, 1), round(r.high, 1)]
            for r in strengths
        },
        "elo_cpu_seconds": round(seconds, 2),
        "bradley_terry_cpu_seconds": round(time.process_time() - began, 2),
        "matches": len(matches),
    }
    off = max(abs(found["elo"][name] - value) for name, value in PUBLISHED.items())
    print(json.dumps(found, indent=1), f"\nfurthest from the paper: {off:.2f}")
    RESULTS.write_text(json.dumps({**found, "furthest": off}, indent=1) + "\n")

    assert off <= 1.0
