"""A hundred thousand files that nobody exported: nothing raises, and every file is accounted for.

    make fuzz                                              (or, for fewer)
    python tests/benchmarks/fuzz_sources.py --runs 2000

Half of the inputs are made by Hypothesis, which puts odd values into an export of each source; the
other half by Atheris (extra `fuzz`), which changes bytes and keeps what reaches new lines of
`assets.sources`.  An input passes if reading it raises nothing and gives at least one item, every
item a dialogue, a preference or a reason for the quarantine, with texts that a table takes.  The
first one that fails ends the run, with its traceback and without a result.
"""

import argparse
import gzip
import io
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULT = Path(__file__).parent / "results" / "fuzz_sources.json"
TALKS = [[f"Вопрос {n}?", f"Ответ {n}.", "Ещё?", "Да."] for n in range(3)]
ODD: list[Any] = [
    None, True, 0, -1, 1e300, 10**30, "", "\0", "x" * 300, "1e999", "9999-12-31T23:59:59", "../..",
    "m0", "root", "user", "assistant", "[|AI|]", "### Human:", [], [[]], {}, {"": ""},
    [None, 1, "x"], {"role": "user", "content": None}, {"parent": "m0", "message": {}},
    {"type": "service"},
]  # fmt: skip


def check(reading: Callable[[bytes, int], list[Any]], raw: bytes, choice: int) -> Counter[str]:
    """Read one input; return its items by kind, or raise where it breaks the promise."""
    items = reading(raw, choice)
    assert items, "a file vanished"
    kinds: Counter[str] = Counter()
    for item in items:
        kind = type(item).__name__
        assert kind in ("Dialogue", "Preference", "Unreadable"), kind
        if kind == "Unreadable":
            assert re.fullmatch(r"[a-z0-9_]+", item.reason), item
            assert item.detail.endswith("."), item
            assert len(item.excerpt) <= 200, item
        repr(item).encode()
        for message in getattr(item, "messages", ()):
            assert message.role in ("system", "user", "assistant", "tool"), message
            message.content.encode()
        kinds[kind] += 1
    return kinds


def reader(folder: Path) -> Callable[[bytes, int], list[Any]]:
    """Return what reads an input with one of the two extremes of the options."""
    from assets import sources

    path = folder / "input"
    every = sources.Options("mdy", True, "Аня", 0.001, "ranked", 7)  # noqa: FBT003
    options = (sources.Options(), every)

    def reading(raw: bytes, choice: int) -> list[Any]:
        path.write_bytes(raw)
        return list(sources.read(path, root=folder, options=options[choice % 2]))

    return reading


def seeds() -> dict[str, bytes]:
    """Return an export of every source, and some packed."""
    from assets import sources
    from assets.sources.testing import export

    found = {s.name: export(s.name, TALKS) for s in sources.SOURCES}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        member = zipfile.ZipInfo("conversations.json")  # of a fixed date: a seed repeats a run
        archive.writestr(member, found["chatgpt"], zipfile.ZIP_DEFLATED)
    return {**found, "zip": held.getvalue(), "gzip": gzip.compress(found["messages"], mtime=0)}


def changed(value: Any, rng: random.Random) -> Any:
    """Return a JSON value with one odd value somewhere in it."""
    if rng.random() < 0.15 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(ODD)
    place = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if rng.random() < 0.1:
        rest = {k: v for k, v in value.items() if k != place} if isinstance(value, dict) else value
        return rest if isinstance(value, dict) else [*value, value[place]]
    inner = changed(value[place], rng)
    if isinstance(value, dict):
        return {**value, place: inner}
    return [*value[:place], inner, *value[place + 1 :]]


def odd(raw: bytes, rng: random.Random) -> bytes:
    """Return an export with odd values in its JSON, or with lines cut, doubled and swapped."""
    text = raw.decode("utf-8", "replace")
    try:
        return json.dumps(changed(json.loads(text), rng), ensure_ascii=False).encode()
    except ValueError:
        lines = text.split("\n")
    at = rng.randrange(len(lines))
    try:
        lines[at] = json.dumps(changed(json.loads(lines[at]), rng), ensure_ascii=False)
    except ValueError:
        lines[at : at + 1] = rng.choice(([], [lines[at]] * 2, [lines[at][::-1], ""]))
    return "\n".join(lines).encode()


def structured(runs: int) -> Counter[str]:
    """Read so many exports with odd values, made by Hypothesis."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    found, kinds = seeds(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="steppe-") as folder:
        reading = reader(Path(folder))

        @settings(
            max_examples=runs, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.sampled_from(sorted(found)), st.integers(0, 2**32), st.integers(1, 4))
        def one(name: str, seed: int, times: int) -> None:
            rng, raw = random.Random(seed), found[name]
            for _ in range(times):
                raw = odd(raw, rng)
            kinds.update(check(reading, raw, seed))
            kinds["inputs"] += 1

        one()
    return kinds


def guided(runs: int, seed: int) -> None:
    """Read so many byte strings that Atheris makes from the seeds; end the process."""
    import atheris

    with atheris.instrument_imports(include=["assets.sources"]):
        import assets.sources  # noqa: F401

    with tempfile.TemporaryDirectory(prefix="steppe-") as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for name, raw in seeds().items():
            (corpus / name).write_bytes(b"\0" + raw)
        reading = reader(Path(folder))

        def one(data: bytes) -> None:
            try:
                check(reading, data[1:], data[0] if data else 0)
            except BaseException:
                traceback.print_exc()
                print(f"input: {data!r}", file=sys.stderr, flush=True)
                raise

        # What failed is printed above; libFuzzer's own copy of it goes with the folder.
        limits = [f"-runs={runs}", "-max_len=20000", "-rss_limit_mb=2000", "-print_final_stats=1"]
        limits += [f"-artifact_prefix={folder}/", f"-seed={seed}"]
        atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
        atheris.Fuzz()


def main() -> None:
    """Run both halves; write what was done to the results."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=100_000, help="inputs in all")
    asked.add_argument("--guided", action="store_true", help="the half of Atheris, in this process")
    asked.add_argument("--seed", type=int, default=1, help="of the half of Atheris; 0: a new one")
    given = asked.parse_args()
    if given.guided:
        guided(given.runs, given.seed)
        return
    started = time.process_time()
    kinds = structured(given.runs // 2)
    spent = time.process_time() - started
    rest = ["--runs", str(given.runs - given.runs // 2), "--seed", str(given.seed)]
    command = [sys.executable, __file__, "--guided", *rest]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-30_000:] + done.stdout[-5000:])
    runs = int(re.findall(r"number_of_executed_units:\s*(\d+)", done.stderr)[0])
    result = {
        "inputs": {"hypothesis": kinds.pop("inputs"), "atheris": runs},
        "items_of_hypothesis": dict(kinds),
        "seconds": {"hypothesis": round(spent), "atheris": round(time.monotonic() - began)},
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
