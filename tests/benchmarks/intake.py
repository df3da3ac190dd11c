"""One contestant of the race: files of a day to Delta tables, in a process of its own.

    python -P tests/benchmarks/intake.py HOME JSONL [DAY]

Prints a JSON object: dialogues, CPU seconds of the steps, start-up apart (all that the same way
with two dialogues costs), peak memory in MiB.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

os.environ.update(POLARS_MAX_THREADS="1", RAYON_NUM_THREADS="1", OMP_NUM_THREADS="1")

from assets import fingerprints, inbox
from assets.cleaned import SPECS
from assets.cleaning.days import clean_day
from assets.intake import Intake
from lake import settings as settings_module
from lake.spool import Spool
from lake.tables import Lake, Provenance


def warm(folder: Path) -> None:
    """Take the same way with two dialogues: imports and compiled loops are no throughput."""
    file = folder / "two.jsonl"
    for n in range(2):
        turns = [
            {"role": "user", "content": f"Ну что, {n}?"},
            {"role": "assistant", "content": "Да."},
        ]
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"id": str(n), "messages": turns}, ensure_ascii=False) + "\n")
    take(folder / "home", file, date(2026, 1, 1))


def take(home: Path, file: Path, day: date) -> tuple[dict[str, float], Counter[str]]:
    """Take a file in, read it, clean it, write the tables; return CPU seconds a step, and fates."""
    laps: dict[str, float] = {}
    started = time.process_time()

    def lap(name: str) -> None:
        laps[name] = time.process_time() - started - sum(laps.values())

    settings = settings_module.load(home=home)
    lake, by = Lake(home), Provenance("benchmark")
    inbox.take_in([file], settings.inbox, day=day)
    lap("take in")
    made_from = fingerprints.cleaned(settings, day)
    with Intake(settings, day) as taken:
        taken.read()
        lap("read")
        for name, rows in (
            ("raw_preferences", taken.preferences),
            ("raw_quarantined", taken.quarantined),
            ("raw_records", taken.records),
        ):
            lake.replace(name, rows.tables(), day=day, made_from=made_from, by=by)
        lap("write raw")
    spools = {name: Spool() for name in SPECS}
    fates: Counter[str] = Counter()
    for (_, fate), count in clean_day(lake, settings, day, spools).items():
        fates[fate] += count
    lap("clean")
    for name, spool in spools.items():
        lake.replace(name, spool.tables(), day=day, made_from=made_from, by=by)
        spool.close()
    lap("write cleaned")
    return laps, fates


def main(home: Path, file: Path, day: date) -> None:
    """Print what a day costs."""
    with tempfile.TemporaryDirectory() as folder:
        warm(Path(folder))
    start_up = time.process_time()
    laps, fates = take(home, file, day)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    cpu, read = sum(laps.values()), fates.total()
    print(
        json.dumps(
            {
                "dialogues": read,
                "kept": fates["kept"],
                "cpu_seconds": round(cpu, 2),
                "dialogues_a_cpu_second": round(read / cpu),
                "start_up": round(start_up, 2),
                "peak_mib": peak,
                "laps": {name: round(seconds, 2) for name, seconds in laps.items()},
                "fates": dict(fates),
            }
        )
    )


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        date.fromisoformat(sys.argv[3] if len(sys.argv) > 3 else "2026-01-01"),
    )
