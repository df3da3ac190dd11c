"""The race: the same dialogues through Steppe, datatrove, rulm's `undup` and the bare minimum.

    python tests/benchmarks/race.py [--dialogues 100000]
        --datatrove-python PATH      a Python with datatrove[processing] 0.10.1, spacy, pymorphy3
        --rulm CHECKOUT              a checkout of IlyaGusev/rulm, run by the same Python with
                                     datasets<3, datasketch, pysimdjson, fasttext

Each contestant is a process of its own on one thread; counted are CPU seconds, start-up apart.
Steppe does everything it does in a day: ids, provenance, twenty rules, personal data,
near-duplicates over days, eight Delta tables; what is left is what `stg_dialogues` shows, the best
of each cluster.  Outputs are checked: what of the planted copies is
gone, what else is gone and is nobody's copy, what personal data is left.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import corpus
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ONE_THREAD = dict.fromkeys(
    ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
DAY = "2026-01-01"
PERSONAL = re.compile(r"person[0-9]+@post|\+7 912 [0-9]{3}-")
# From this share of five-letter shingles on something is a copy: one letter in twenty changed.
SAME = 0.5


def main() -> None:
    """Make the corpus, run every contestant that is here, print and write the table."""
    chosen = _arguments()
    data = Path(os.environ.get("STEPPE_TEST_DATA", "../shared/data"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        told = corpus.write(data, work / "dialogues.jsonl", dialogues=chosen.dialogues)
        texts = _texts(told.file)
        floor = _floor(told.file, work / "floor.parquet")
        runs: dict[str, dict[str, Any]] = {}
        runs["steppe"] = _steppe(told.file, work / "home")
        if chosen.datatrove_python:
            runs["datatrove"] = _datatrove(texts, work / "datatrove", chosen.datatrove_python)
            if chosen.rulm:
                runs["rulm undup"] = _rulm(
                    texts, work / "rulm", chosen.datatrove_python, chosen.rulm
                )
        megabytes = told.file.stat().st_size / 1e6
        for run in runs.values():
            run.update(_checked(run.pop("left"), texts, told))
            run["dialogues_a_cpu_second"] = round(told.dialogues / run["cpu_seconds"])
            run["mb_a_cpu_second"] = round(megabytes / run["cpu_seconds"], 2)
            run["share_of_the_floor"] = round(floor / run["cpu_seconds"], 4)
        if "datatrove" in runs:
            theirs = runs["datatrove"]["dialogues_a_cpu_second"]
            for run in runs.values():
                run["times_datatrove"] = round(run["dialogues_a_cpu_second"] / theirs, 1)
    result = {
        "dialogues": told.dialogues,
        "megabytes": round(megabytes, 1),
        "floor_cpu_seconds": round(floor, 3),
        "runs": runs,
    }
    RESULTS.mkdir(exist_ok=True)
    written = json.dumps(result, indent=1, ensure_ascii=False)
    (RESULTS / "race.json").write_text(written + "\n", encoding="utf-8")
    _print(result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Steppe, datatrove and rulm on one corpus.")
    parser.add_argument("--dialogues", type=int, default=100_000)
    parser.add_argument("--datatrove-python", default="")
    parser.add_argument("--rulm", type=Path)
    return parser.parse_args()


# --- contestants: each returns cpu_seconds, peak_mib, laps, and the texts it left, by id ---------


def _steppe(file: Path, home: Path) -> dict[str, Any]:
    run = json.loads(_ran([sys.executable, "-P", HERE / "intake.py", home, file, DAY]))
    from lake import query
    from lake.tables import Lake

    rows = query.ask(Lake(home), "select conversation_id, messages from stg_dialogues")
    left = {r["conversation_id"]: "\n".join(m["content"] for m in r["messages"]) for r in rows}
    assert run["dialogues"] == run["kept"] + sum(
        count for fate, count in run["fates"].items() if fate.startswith("dropped")
    )
    return {**{k: run[k] for k in ("cpu_seconds", "peak_mib", "laps")}, "left": left}


def _datatrove(texts: Mapping[str, str], folder: Path, python: str) -> dict[str, Any]:
    from pyarrow import parquet

    _write_lines(folder / "in" / "a.jsonl", ({"id": n, "text": t} for n, t in texts.items()))
    run = json.loads(_ran([python, HERE / "race_datatrove.py", folder]).splitlines()[-1])
    rows = parquet.read_table(folder / "out", columns=["id", "text"]).to_pylist()
    return {**run, "left": {r["id"]: r["text"] for r in rows}}


def _rulm(texts: Mapping[str, str], folder: Path, python: str, checkout: Path) -> dict[str, Any]:
    """Run the script as it is; of its two processes both are counted, its imports too."""
    given, made = folder / "in.jsonl", folder / "out.jsonl"
    meta = ({"text": t, "meta": {"source": "chat", "url": n}} for n, t in texts.items())
    _write_lines(given, meta)
    apart = {
        "HF_HOME": str(folder / "cache"),
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_TRUST_REMOTE_CODE": "1",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _ran([python, "-m", "data_processing.undup", given, made], cwd=checkout, **apart)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    left = [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()]
    return {
        "cpu_seconds": round(spent, 2),
        "peak_mib": after.ru_maxrss >> 10,
        "laps": {},
        "left": {row["meta"]["url"]: row["text"] for row in left},
    }


def _floor(file: Path, made: Path) -> float:
    """Return the CPU seconds of parsing the file and writing it as Parquet, and nothing else."""
    import duckdb

    columns = "{id: 'varchar', messages: 'struct(role varchar, content varchar)[]'}"
    read = f"read_json('{file}', format = 'newline_delimited', columns = {columns})"
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(f"select count(*) from {read}").fetchall()
        started = time.process_time()
        connection.execute(f"copy (from {read}) to '{made}' (compression zstd)")
        return time.process_time() - started


# --- what came out -------------------------------------------------------------------------------


def _checked(
    left: Mapping[str, str], texts: Mapping[str, str], told: corpus.Corpus
) -> dict[str, Any]:
    """Return the recall of planted copies by kind, wrong removals, personal data that is left.

    A removal is wrong if nothing that stayed shares half of its five-letter shingles; removals that
    a contestant makes for other reasons than resemblance are few here, and count as wrong.
    """
    found: Counter[str] = Counter()
    for name, (kind, original) in told.copies.items():
        found[kind] += not (name in left and original in left)
    each = Counter(kind for kind, _ in told.copies.values())
    planted = set(told.copies) | {original for _, original in told.copies.values()}
    gone = [name for name in texts if name not in left and name not in planted]
    return {
        "kept": len(left),
        "recall": {kind: round(found[kind] / each[kind], 3) for kind in each},
        "removed_besides": len(gone),
        "removed_wrongly": _without_a_twin(gone, left, texts),
        "personal_left": sum(PERSONAL.search(text) is not None for text in left.values()),
    }


def _without_a_twin(gone: Iterable[str], left: Mapping[str, str], texts: Mapping[str, str]) -> int:
    """Return how many of these resemble nothing that stayed, by shared rare shingles."""
    wanted = {name: _shingles(texts[name]) for name in gone}
    holders: dict[str, list[str]] = {}
    for name, shingles in wanted.items():
        for shingle in shingles:
            holders.setdefault(shingle, []).append(name)
    twins: set[str] = set()
    for name in left:
        theirs = _shingles(texts[name])
        shared = Counter(one for s in theirs for one in holders.get(s, ()))
        for one, both in shared.items():
            if both >= SAME * (len(theirs) + len(wanted[one]) - both):
                twins.add(one)
    return len(wanted) - len(twins)


def _shingles(text: str) -> set[str]:
    letters = "".join(re.findall(r"[^\W_]+", text.lower().replace("ё", "е")))
    return {letters[at : at + 5] for at in range(max(len(letters) - 4, 1))}


# --- helpers -------------------------------------------------------------------------------------


def _texts(file: Path) -> dict[str, str]:
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {r["id"]: "\n".join(m["content"] for m in r["messages"]) for r in rows}


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _ran(command: list[Any], *, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, **ONE_THREAD, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command[:3]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _print(result: Mapping[str, Any]) -> None:
    console, table = Console(), Table(title=f"{result['dialogues']:,} dialogues")
    runs = result["runs"]
    table.add_column("")
    for name in runs:
        table.add_column(name, justify="right")
    for key in dict.fromkeys(key for run in runs.values() for key in run):
        table.add_row(key, *(str(run.get(key, "")) for run in runs.values()))
    console.print(table)
    console.print(f"floor, parse and compress alone: {result['floor_cpu_seconds']} CPU-s")


if __name__ == "__main__":
    main()
