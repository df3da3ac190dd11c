"""What one person's SQL costs, and whether hostile statements stay within their bounds.

    python -P tests/benchmarks/own_rows.py [TURNS]      # 100,000 turns without an argument

First the corpus `tests/lake/hostile_statements.txt`, each statement asked with a limit
of half a second: how many were refused, how many bounded, the longest in wall time (with the start
of its process), the largest process, and what leaked: nothing may.

What the process of its own is for is measured beside it: two of the statements in a process that
has DuckDB's own bounds alone, a memory limit and an interrupt after two seconds.

Then a lake in which two people have so many turns each: how long a count over one's own turns
takes, all told, against the same count with DuckDB in this process over the whole table (which
protects nothing); expected about five times, half of it the start of a process.
"""

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from lake import own_rows, query, sandbox
from lake.errors import LakeError
from lake.tables import Lake

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("two_people", HERE.parent / "lake" / "two_people.py")
two_people = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(two_people)
MAX_SECONDS = 0.5
TURNS_A_DIALOGUE = 10
REPEATS = 5
UNHEARD = (
    "select levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "select damerau_levenshtein(repeat('a', 12000), repeat('b', 12000))",
)
ONE_PROCESS = """
import json, resource, sys, threading, time, duckdb
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # for the machine's sake
c = duckdb.connect()
for setting in ("threads = 1", "memory_limit = '256MiB'", "temp_directory = ''"):
    c.execute(f"set {setting}").fetchall()
timer, began = threading.Timer(2, c.interrupt), time.monotonic()
timer.start()
try:
    c.execute(sys.argv[1]).fetchall()
except duckdb.Error:
    pass
timer.cancel()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(json.dumps({"seconds": round(time.monotonic() - began, 1), "mib": peak}))
"""
COUNT = "select role, count(*) as turns from messages group by all order by all"
SAME = f"""
select m.role, count(*) as turns
from cleaned_dialogues, unnest(messages) as t(m)
where user_id = '{two_people.OWN}' group by all order by all
"""


def main(turns: int) -> None:
    """Measure both parts; print and write the figures."""
    with tempfile.TemporaryDirectory() as folder:
        hostile = _hostile(Lake(Path(folder) / "home"))
    with tempfile.TemporaryDirectory() as folder:
        asked = _asked(Lake(Path(folder) / "home"), turns)
    result = {
        "cores": os.cpu_count(),
        "hostile": hostile,
        "duckdbs_own_bounds_alone": {s: _in_one_process(s) for s in UNHEARD},
        "asked": asked,
    }
    written = json.dumps(result, indent=1, ensure_ascii=False)
    (HERE / "results" / "own_rows.json").write_text(written + "\n", encoding="utf-8")
    sys.stdout.write(written + "\n")


def _hostile(lake: Lake) -> dict[str, Any]:
    two_people.fill(lake)
    ends, seconds, leaks, wrong = Counter(), {}, [], []
    for family, statement in two_people.statements(lake):
        began = time.monotonic()
        end, told = _ended(lake, statement)
        seconds[statement] = time.monotonic() - began
        ends[end] += 1
        leaks += two_people.leaks(lake, statement, told)
        if family.startswith("refused") and end != "refused":
            wrong.append(statement)
    slowest = max(seconds, key=lambda s: seconds[s])
    return {
        "statements": sum(ends.values()),
        "ended": dict(sorted(ends.items())),
        "refused_families_not_refused": wrong,
        "leaks": leaks,
        "limit_seconds": MAX_SECONDS,
        "alarm_seconds": MAX_SECONDS + sandbox.GRACE_SECONDS,
        "median_seconds": round(median(seconds.values()), 3),
        "longest_seconds": round(seconds[slowest], 3),
        "longest": slowest,
        "largest_process_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,
    }


def _ended(lake: Lake, statement: str) -> tuple[str, str]:
    """Return how a statement ended, and every word that was told."""
    try:
        return "answered", str(
            own_rows.ask(lake, two_people.OWN, statement, max_seconds=MAX_SECONDS)
        )
    except LakeError as error:
        end = next(
            (e for e, words in (("stopped", "longer than"), ("memory", "more memory"))
             if words in error.message),
            "refused",
        )  # fmt: skip
        return end, str(error)


def _in_one_process(statement: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", ONE_PROCESS, statement], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _asked(lake: Lake, turns: int) -> dict[str, Any]:
    _fill(lake, turns)
    mine, whole = [], []
    for _ in range(REPEATS):
        began = time.monotonic()
        answer = own_rows.ask(lake, two_people.OWN, COUNT)
        mine.append(time.monotonic() - began)
        began = time.monotonic()
        same = query.ask(lake, SAME)
        whole.append(time.monotonic() - began)
        if [tuple(row.values()) for row in same] != list(answer.rows):
            sys.exit("the two answers differ")
    return {
        "own_turns": turns,
        "all_turns": 2 * turns,
        "repeats": REPEATS,
        "own_rows_seconds": _spread(mine),
        "whole_table_in_this_process_seconds": _spread(whole),
        "times": round(median(mine) / median(whole), 1),
    }


def _fill(lake: Lake, turns: int) -> None:
    said = [
        f"Вопрос или ответ, {'каких немало на свете, ' * 5}{n}" for n in range(TURNS_A_DIALOGUE)
    ]
    rows = [
        two_people.dialogue(user_id, f"{user_id[0]}{n}", *said)
        for user_id in (two_people.OWN, two_people.OTHER)
        for n in range(turns // TURNS_A_DIALOGUE)
    ]
    day = date(2026, 1, 1)
    lake.replace("cleaned_dialogues", rows, day=day, made_from="1" * 32, by=two_people.BY)


def _spread(values: list[float]) -> list[float]:
    """Return median, least and most."""
    return [round(v, 3) for v in (median(values), min(values), max(values))]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
