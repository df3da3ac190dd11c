"""One contestant of the race: files of a day to Delta tables, in a process of its own.

    python -P tests/benchmarks/intake.py HOME JSONL [DAY]

Prints a JSON object: dialogues, CPU seconds of the steps (start-up apart), peak memory in MiB.
"""

import json
import os
import resource
import sys
import time
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

STARTED = time.process_time()


def warm() -> None:
    """Import and compile what every run needs once: start-up, not throughput."""
    import deltalake  # noqa: F401
    import numpy as np
    import polars  # noqa: F401
    import pyarrow as pa

    from assets import sources  # noqa: F401
    from assets.cleaning import Neighbours, load_policy
    from assets.cleaning.minhash import sketch
    from assets.cleaning.near_duplicates import signed

    texts = pa.array(["Привет! Как дела?"] * 2, pa.large_string())
    ids = ["0" * 32, "1" * 32]
    few = signed(sketch(texts, texts), revisions=ids, dialogue_ids=ids, quality=np.ones(2))
    known = Neighbours(load_policy())
    known.settle(few)
    known.settle(few)


def main(home: Path, file: Path, day: date) -> None:
    """Take the file in, read it, clean it, write the tables; print what it cost."""
    warm()
    laps = {"start-up": time.process_time() - STARTED}

    def lap(name: str) -> None:
        laps[name] = time.process_time() - STARTED - sum(laps.values())

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
        read = taken.records.rows
    spools = {name: Spool() for name in SPECS}
    fates = clean_day(lake, settings, day, spools)
    lap("clean")
    for name, spool in spools.items():
        lake.replace(name, spool.tables(), day=day, made_from=made_from, by=by)
        spool.close()
    lap("write cleaned")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    cpu = sum(seconds for name, seconds in laps.items() if name != "start-up")
    print(
        json.dumps(
            {
                "dialogues": read,
                "kept": fates["kept"],
                "cpu_seconds": round(cpu, 2),
                "dialogues_a_cpu_second": round(read / cpu),
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
