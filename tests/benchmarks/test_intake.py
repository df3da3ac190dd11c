"""How fast dialogues are read and cleaned, and how far that is from merely parsing them.

Question: 87,720 dialogues (252,494 messages, 13 MB of text) through the reader, the cleaning rules
and two Delta commits.  Expected: the rules alone were measured at 20,000 dialogues a CPU-second.
Baseline, in the same process: the same file read and split into lines.  Ratios count; the seconds
are of whatever machine this is.
"""

import json
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets import cleaning, sources
from assets.records import record_row
from lake.schemas import Dialogue
from lake.tables import Lake, Provenance

pytestmark = pytest.mark.benchmark
RESULTS = Path(__file__).parent / "results"


def measured(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the work returns and its CPU seconds."""
    started = time.process_time()
    found = work()
    return found, time.process_time() - started


def test_reading_and_cleaning(shared_data: Path, lake: Lake) -> None:
    path = shared_data / "koziev" / "extract_dialogues_from_anekdots.txt"
    lines, floor = measured(lambda: path.read_text(encoding="utf-8").splitlines())
    dialogues, reading = measured(
        lambda: [d for d in sources.read(path, root=path.parent) if isinstance(d, Dialogue)]
    )
    records = [cleaning.Record(str(n), d) for n, d in enumerate(dialogues)]
    policy = cleaning.load_policy()
    cleaned, rules = measured(lambda: cleaning.clean(records, seen=set(), policy=policy))
    rows = [
        record_row(d, file="f", file_id="i", index=n, owner="o") for n, d in enumerate(dialogues)
    ]
    day, by = date(2026, 1, 1), Provenance("benchmark")
    _, commit = measured(
        lambda: lake.replace("raw_records", rows, day=day, made_from="1" * 32, by=by)
    )
    seconds = {"floor": floor, "reading": reading, "cleaning": rules, "commit": commit}
    result = {
        "machine": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
        "lines": len(lines),
        "dialogues": len(dialogues),
        "kept": len(cleaned.kept),
        "cpu_seconds": {name: round(spent, 2) for name, spent in seconds.items()},
        "times_the_floor": {name: round(spent / floor, 1) for name, spent in seconds.items()},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "intake.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))

    assert 87_720 == len(dialogues)
    assert len(records) == len(cleaned.kept) + len(
        [d for d in cleaned.dropped if d.grain == "dialogue"]
    )
