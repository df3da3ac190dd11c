"""How often the answer cache answers another question than the one that was asked.

    python -P tests/benchmarks/answer_cache.py

Near-duplicates: two word orders of one sentence (`SENT5`, `SENT10`): found is right.  Near misses:
two questions of one premise whose answers differ (`premise_question_answer*`), and a question with
one word put in place of another: found is a false hit.  Questions in the first or second person are
never kept, as in use; they are counted, and tried once more with that rule off.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

from models.encoders import load_encoder
from models.memory.addressing import is_personal
from models.serving.answer_cache import AnswerCache

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "answer_cache.json"
PAIRS = 5_000
SEED = 0
Pair = tuple[str, str]


def clusters(folder: Path) -> Iterator[Pair]:
    """Yield pairs of word orders of one sentence."""
    for name in ("SENT5", "SENT10"):
        text = (folder / f"{name}.duplicates.txt").read_text(encoding="utf-8")
        for block in text.split("\n\n"):
            lines = [line.strip() for line in block.splitlines() if line.strip()]
            yield from combinations(lines[:3], 2)


def other_answers(folder: Path) -> Iterator[Pair]:
    """Yield pairs of questions to one premise with different answers."""
    for path in sorted(folder.glob("premise_question_answer*.txt")):
        for block in path.read_text(encoding="utf-8-sig").split("\n\n"):
            asked = [x[2:].strip() for x in block.splitlines() if x.startswith("Q:")]
            answer = [x[2:].strip() for x in block.splitlines() if x.startswith("A:")]
            premise = " ".join(x for x in block.splitlines() if x.startswith("T:"))
            for question in asked:
                yield premise, f"{question}\t{answer[0] if answer else ''}"


def near_misses(folder: Path) -> Iterator[Pair]:
    """Yield pairs of questions of one premise, answered otherwise."""
    by_premise: dict[str, list[str]] = {}
    for premise, told in other_answers(folder):
        by_premise.setdefault(premise, []).append(told)
    for told in by_premise.values():
        for one, other in combinations(sorted(set(told)), 2):
            (first, a), (second, b) = one.split("\t"), other.split("\t")
            if a.lower() != b.lower() and first.lower() != second.lower():
                yield first, second


def other_words(pairs: list[Pair], rng: random.Random) -> Iterator[Pair]:
    """Yield sentences with one of their words put in place of another sentence's."""
    everyone = [word for one, _ in pairs for word in one.split()]
    for one, _ in pairs:
        words = one.split()
        place = rng.randrange(len(words))
        changed = [*words[:place], rng.choice(everyone), *words[place + 1 :]]
        if sorted(changed) != sorted(words):
            yield one, " ".join(changed)


def measured(pairs: list[Pair], personal: Callable[[str], bool]) -> dict[str, float]:
    """Return how many of the pairs' second questions get the first one's answer."""
    encoder = load_encoder("hashed", models_dir=ROOT)
    found = kept_out = 0
    for one, other in pairs:
        cache = AnswerCache(encoder, personal, most=1)
        said = [[{"role": "user", "content": text}] for text in (one, other)]
        kept_out += personal(one) or personal(other)
        cache.keep("", said[0], "yes", "stop")
        found += cache.find("", said[1]) is not None
    n = len(pairs)
    return {"pairs": n, "found": found, "share": found / n, "personal": kept_out / n}


def main() -> None:
    """Measure, and write the figures."""
    folder = ROOT.parent / "shared" / "data" / "koziev"
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
    rng = random.Random(SEED)
    orders, misses = list(clusters(folder)), list(near_misses(folder))
    rng.shuffle(orders)
    rng.shuffle(misses)
    sets = {
        "word_orders": orders[:PAIRS],
        "other_answers": misses[:PAIRS],
        "other_words": list(other_words(orders[:PAIRS], rng)),
    }
    result = {name: measured(pairs, is_personal) for name, pairs in sets.items()}
    result |= {f"{name}, personal too": measured(p, lambda _: False) for name, p in sets.items()}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
