"""People as judges: side-by-side votes from files, and what they add up to.

    {"item": "...", "first": MODEL, "second": MODEL, "worker": "...", "choice": "first"}

`choice` is `first`, `second` or `tie`.  A line that is none of that is kept as a judgement
without a choice, so that the counts add up.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.evaluation.pairwise import POINTS, Choice, Judgement

REVIEWERS = "-gpt-4-reviewer-threeclass"
SCORES: Mapping[int, Choice] = {1: "first", 2: "second", 3: "tie"}
KEYS = ("item", "first", "second", "worker", "choice")


def votes(path: Path) -> list[Judgement]:
    """Return a judgement for every line of a file, those that are no vote without a choice."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [_vote(line, f"{path.stem}/{n}") for n, line in enumerate(lines, 1) if line.strip()]


def _vote(line: str, where: str) -> Judgement:
    try:
        row = json.loads(line)
        item, first, second, worker, choice = (str(row[key]) for key in KEYS)
    except (ValueError, KeyError, TypeError):
        return Judgement(where, "", "", "people", None, line)
    known: Choice | None = next((c for c in POINTS if c == choice and first != second), None)
    return Judgement(item, first, second, f"people:{worker}", known, "" if known else line)


def reviews(folder: Path) -> list[Judgement]:
    """Return the judgements of a folder of FastChat reviews, file by file in the order of names.

    A file `A-vs-B-gpt-4-reviewer-threeclass.jsonl` compares A (shown first) with B; `score` 1 or 2
    is the better one, 3 a tie, anything else could not be read (artidoro/qlora, eval/).
    """
    found = []
    for path in sorted(folder.glob(f"*-vs-*{REVIEWERS}.jsonl")):
        first, second = path.stem.removesuffix(REVIEWERS).split("-vs-")
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            choice = SCORES.get(row["score"])
            item = str(row["question_id"])
            found.append(Judgement(item, first, second, "gpt-4", choice, row["text"]))
    return found


def majority(labels: Iterable[str]) -> str:
    """Return the label most gave, empty where several have as many."""
    counts = Counter(labels).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return ""
    return counts[0][0]


def alpha(given: Sequence[tuple[Hashable, Hashable, str]]) -> float:
    """Return Krippendorff's alpha of (item, worker, label) triples: 1 agreement, 0 chance.

    Nominal labels (Krippendorff 2004, ch. 11); who labels an item twice counts once, the last
    time.  NaN where no item has two labels, or there is one label in all.
    """
    import krippendorff
    import numpy as np

    labels = sorted({label for _, _, label in given})
    workers: dict[Hashable, dict[Hashable, int]] = defaultdict(dict)
    for item, worker, label in given:
        workers[worker][item] = labels.index(label)
    items = sorted({item for item, _, _ in given}, key=str)
    table = [[by.get(item, np.nan) for item in items] for by in workers.values()]
    counts = Counter(item for by in workers.values() for item in by)
    if len(labels) < 2 or max(counts.values(), default=0) < 2:
        return float("nan")
    return float(krippendorff.alpha(np.array(table, float), level_of_measurement="nominal"))


def dawid_skene(given: Sequence[tuple[Hashable, Hashable, str]], *, rounds: int = 20) -> Any:
    """Return each item's likeliest label once workers are weighed (Dawid and Skene 1979).

    By crowd-kit, of the extra `crowd`; 20 rounds as in rulm's `aggregate.py`.
    """
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    table = pd.DataFrame(given, columns=["task", "worker", "label"])
    return DawidSkene(n_iter=rounds).fit_predict(table).to_dict()
