"""How fast a file of dialogues becomes tables, and how far that is from merely parsing it.

Question: the koziev dialogues as `messages` JSONL, through reading, every cleaning rule, personal
data, near-duplicates and seven Delta commits.  Expected: a straight trial without ids, provenance
and personal data did 28,000 dialogues a CPU-second (start-up apart).  Baseline: the same file
parsed by DuckDB and written as Parquet, the floor of any such pipeline.  Ratios count.
"""

import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets import sources
from lake.schemas import Dialogue

pytestmark = pytest.mark.benchmark
HERE = Path(__file__).parent
RESULTS = HERE / "results"


def test_a_file_becomes_tables(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "koziev" / "extract_dialogues_from_anekdots.txt"
    file = tmp_path / "koziev.jsonl"
    told = _as_jsonl(path, file)
    floor = _floor(file, tmp_path / "floor.parquet")
    done = subprocess.run(
        [sys.executable, "-P", HERE / "intake.py", tmp_path / "home", file],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    result = {
        "machine": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
        "floor_cpu_seconds": round(floor, 2),
        "share_of_the_floor": round(floor / found["cpu_seconds"], 3),
        **found,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "intake.json").write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(json.dumps(result, indent=1, ensure_ascii=False))

    dropped = sum(n for fate, n in found["fates"].items() if fate.startswith("dropped"))
    assert told == found["dialogues"] == found["kept"] + dropped


def _as_jsonl(path: Path, file: Path) -> int:
    """Write the dialogues in the form of `messages`; return how many."""
    dialogues = [d for d in sources.read(path, root=path.parent) if isinstance(d, Dialogue)]
    lines = (
        json.dumps({"id": str(n), "messages": d.as_chat()}, ensure_ascii=False)
        for n, d in enumerate(dialogues)
    )
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(dialogues)


def _floor(file: Path, parquet: Path) -> float:
    """Return the CPU seconds of parsing the file and writing it as Parquet, and nothing else."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        started = time.process_time()
        connection.execute(
            f"copy (from read_json('{file}', format = 'newline_delimited', columns = "
            "{id: 'varchar', messages: 'struct(role varchar, content varchar)[]'})) "
            f"to '{parquet}' (compression zstd)"
        )
        return time.process_time() - started
