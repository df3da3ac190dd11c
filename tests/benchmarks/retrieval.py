"""How fast and how well a person's turns and memories are found among 100,000.

    python -P tests/benchmarks/retrieval.py                     # ten minutes, half a gigabyte

Real sentences (the dialogues of Koziev's jokes, CC0) are given to some hundred invented persons,
a few with thousands of turns, most with some; the shipped hashed encoder makes the vectors.  What
is asked is half of a sentence that some person said.  Four ways in one process, over the same
questions, in rounds by turns: the flat scan without any index, as it was; the nearest turns by
the indexes; the fused search; and `Recollection.about`, which the gateway calls, with memories and
turns.  Recall is against brute force in float32 over that person's turns alone.
Other work on the machine shows in the times and not in their ratio; the load is told with them.

Expected before measuring: a flat scan reads 400 MB of vectors, a person of 200 turns 0.2 MB.
"""

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from assets.recollection import Recollection
from lake import lance
from lake.ids import content_id
from lake.memories import Memories, memory_id_of
from lake.settings import load
from lake.vectors import TURN, Vectors, schema
from models.encoders import DIMENSIONS, HashedEncoder, load_encoder
from models.memory.addressing import searchable
from models.processes import calm_down

RESULTS = Path(__file__).parent / "results" / "retrieval.json"
ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("STEPPE_TEST_DATA", ROOT.parent / "shared" / "data"))
SENTENCES = "koziev/extract_dialogues_from_anekdots.txt"
DAY = date(2026, 1, 1)
SIZES = (20_000, 10_000, 5_000, *[1_000] * 20, *[200] * 100, *[50] * 500)
"""Turns a person has; together 100,000."""
GROUPS = {"5000 and more": (5_000, 10**9), "1000": (1_000, 4_999), "200 and fewer": (0, 999)}
BY_VECTOR = ("flat", "nearest")  # what is held against brute force
REMEMBERED = 30  # memories a person has
BATCH = 8192


@dataclass
class World:
    """The home, who said what, and every vector for the brute force."""

    home: Path
    encoder: HashedEncoder
    texts: list[str]
    people: list[str]
    vectors: np.ndarray
    own: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        people = np.array(self.people)
        self.own = {p: np.flatnonzero(people == p) for p in dict.fromkeys(self.people)}


@dataclass(frozen=True)
class Question:
    """Half of a sentence that a person said, its vector, and the ten nearest by brute force."""

    user_id: str
    text: str
    vector: np.ndarray
    right: frozenset[str]


def main(arguments: argparse.Namespace) -> None:
    """Print and write what was measured."""
    calm_down()
    with tempfile.TemporaryDirectory() as folder:
        world = _world(Path(folder), arguments.turns)
        flat = _questions(world, arguments.questions, seed=1)
        found = {
            "turns": len(world.texts),
            "people": len(world.own),
            "load_before": round(os.getloadavg()[0], 2),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}",
            "flat_scan": _flat(world, flat[: arguments.flat]),
        }
        started = time.monotonic()
        Vectors(world.home).compact()
        found["indexing_seconds"] = round(time.monotonic() - started, 1)
        _remember(world)
        found |= _indexed(world, flat)
        found["load_after"] = round(os.getloadavg()[0], 2)
        scan, by_index = found["flat_scan"]["p50_ms"], found["nearest"]["p50_ms"]
        found["times_faster_than_the_flat_scan"] = round(scan / by_index, 1)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    if arguments.out:
        Path(arguments.out).write_text(
            json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )


def _world(home: Path, turns: int) -> World:
    """Write the turns without indexes, as they were before there were any."""
    encoder = load_encoder("hashed", models_dir=home / "models")
    rng = random.Random("retrieval")
    texts = rng.sample(_sentences(), turns)
    people = [content_id("person", str(n)) for n, size in enumerate(SIZES) for _ in range(size)]
    people = rng.sample(people, turns)
    vectors = encoder.encode(texts)
    table = lance.connect(home / "vectors").create_table(
        Vectors(home).table,
        pa.RecordBatchReader.from_batches(
            schema(DIMENSIONS), _batches(texts, people, vectors, encoder.encoder_id)
        ),
    )
    table.optimize()
    return World(home, encoder, texts, people, vectors)


def _sentences() -> list[str]:
    lines = (DATA / SENTENCES).read_text(encoding="utf-8").splitlines()
    said = (line[2:].strip() for line in lines if line.startswith("- "))
    return list(dict.fromkeys(s for s in said if len(s.split()) > 2))


def _batches(
    texts: Sequence[str], people: Sequence[str], vectors: np.ndarray, encoder_id: str
) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(texts), BATCH):
        part = range(start, min(start + BATCH, len(texts)))
        count = len(part)
        columns = {
            "id": [f"{n}/r/0" for n in part],
            "day": [str(DAY)] * count,
            "dialogue_id": [str(n) for n in part],
            "revision": ["r"] * count,
            "position": [0] * count,
            "role": ["user"] * count,
            "user_id": [people[n] for n in part],
            "text": [texts[n] for n in part],
            "encoder_id": [encoder_id] * count,
            "made_from": ["m"] * count,
            "vector": pa.FixedSizeListArray.from_arrays(
                pa.array(vectors[start : start + BATCH].ravel()), DIMENSIONS
            ),
        }
        yield pa.RecordBatch.from_pydict(columns, schema=schema(DIMENSIONS))


def _questions(world: World, count: int, *, seed: int) -> list[Question]:
    """Return questions of each group of persons in turn, so that each is measured as often."""
    rng = random.Random(seed)
    groups = [
        [p for p, own in world.own.items() if least <= len(own) <= most]
        for least, most in GROUPS.values()
    ]
    made = []
    for n in range(count):
        user_id = rng.choice(groups[n % len(groups)])
        words = world.texts[rng.choice(world.own[user_id])].split()
        text = " ".join(words[: max(2, len(words) // 2)])
        vector = world.encoder.encode([text])[0]
        own = world.own[user_id]
        nearest = own[np.argsort(-(world.vectors[own] @ vector), kind="stable")[:10]]
        made.append(Question(user_id, text, vector, frozenset(f"{i}/r/0" for i in nearest)))
    return made


def _flat(world: World, questions: Sequence[Question]) -> dict[str, Any]:
    """Measure the scan of every vector, as it was without indexes."""
    table = lance.connect(world.home / "vectors").open_table(Vectors(world.home).table)

    def ask(q: Question) -> list[dict[str, Any]]:
        where = lance.of_person(q.user_id)
        return lance.nearest(table, q.vector, where=where, columns=TURN, limit=10)

    return _measured(world, questions, {"flat": ask})["flat"]


def _indexed(world: World, questions: Sequence[Question]) -> dict[str, Any]:
    vectors = Vectors(world.home)
    mind = Recollection(world.home, load(home=world.home))
    now = datetime.now(UTC)
    ways: dict[str, Callable[[Question], Any]] = {
        "nearest": lambda q: vectors.nearest(q.vector, limit=10, user_id=q.user_id),  # by index
        "search": lambda q: vectors.search(q.text, q.vector, limit=10, user_id=q.user_id),
        "recollection": lambda q: mind.about(q.user_id, q.text, now),
    }
    return _measured(world, questions, ways)


def _measured(
    world: World, questions: Sequence[Question], ways: dict[str, Callable[[Question], Any]]
) -> dict[str, Any]:
    """Ask every question in every way, one after the other, after a few that warm up."""
    seconds: dict[str, list[tuple[Question, float]]] = {name: [] for name in ways}
    cpu = dict.fromkeys(ways, 0.0)
    recalls: dict[str, list[float]] = {name: [] for name in ways}
    leaks = 0
    for ask in ways.values():
        for q in questions[:6]:
            ask(q)
    for q in questions:
        for name, ask in ways.items():
            spent, started = time.process_time(), time.perf_counter()
            rows = ask(q)
            seconds[name].append((q, time.perf_counter() - started))
            cpu[name] += time.process_time() - spent
            if rows and isinstance(rows[0], dict):
                leaks += sum(row["user_id"] != q.user_id for row in rows)
            if name in BY_VECTOR:
                got = {row["id"] for row in rows}
                recalls[name].append(len(got & q.right) / len(q.right))
    return {
        name: {
            **_times([s for _, s in seconds[name]]),
            "cpu_ms_a_question": round(1e3 * cpu[name] / len(questions), 2),
            **({"recall_at_10": round(statistics.mean(recalls[name]), 4)} if recalls[name] else {}),
            "rows_of_others": leaks,
            "by_turns_of_the_person": {
                group: _times(
                    [s for q, s in seconds[name] if least <= len(world.own[q.user_id]) <= most]
                )
                for group, (least, most) in GROUPS.items()
            },
        }
        for name in ways
    }


def _times(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "p50_ms": round(1e3 * ordered[len(ordered) // 2], 2),
        "p95_ms": round(1e3 * ordered[int(len(ordered) * 0.95)], 2),
        "questions": len(ordered),
    }


def _remember(world: World) -> None:
    """Give every person thirty memories in one write."""
    rng = random.Random("memories")
    rows = []
    for user_id, own in world.own.items():
        chosen = dict.fromkeys(
            world.texts[i] for i in rng.sample(list(own), min(REMEMBERED, len(own)))
        )
        rows += [(user_id, text) for text in chosen]
    vectors = world.encoder.encode([searchable(text) for _, text in rows])
    now = datetime.now(UTC)
    memories = Memories(world.home)
    memories.upsert(
        (
            {
                "memory_id": memory_id_of(user_id, "fact", text),
                "user_id": user_id,
                "kind": "fact",
                "text": text,
                "importance": 5,
                "created_at": now,
                "sources": ["d/0"],
                "replaced_by": "",
                "replaced_at": None,
                "encoder_id": world.encoder.encoder_id,
                "vector": vector,
            }
            for (user_id, text), vector in zip(rows, vectors, strict=True)
        ),
        dimensions=DIMENSIONS,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--flat", type=int, default=30, help="of them asked of the flat scan")
    parser.add_argument("--out", default=str(RESULTS))
    main(parser.parse_args())
