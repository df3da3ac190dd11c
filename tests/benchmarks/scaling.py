"""Whether time grows with the messages and memory does not, and what one new day costs.

    python -P tests/benchmarks/scaling.py [SIZE ...]      # messages: 10000 100000 1000000

Each size is taken in, read, cleaned and written in a process of its own, one thread.  Then one
more day comes, of 1 % of the largest size, and is compared with all of it.  The dialogues are made
of Koziev's turns, drawn anew, so that nearly all are kept: copies alone would be dropped and cost
less.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from assets import sources
from lake.schemas import Dialogue

HERE = Path(__file__).parent
SIZES = (10_000, 100_000, 1_000_000)
TURNS = 4
DAYS = ("2026-01-01", "2026-01-02")


def main(sizes: list[int]) -> None:
    """Measure every size and the new day; print and write the table."""
    data = Path(os.environ.get("STEPPE_TEST_DATA", "../shared/data"))
    turns = _turns(data)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        runs = [_taken(turns, size, work / str(size), DAYS[0], seed=size) for size in sizes]
        new = max(sizes) // 100
        day = _taken(turns, new, work / str(max(sizes)), DAYS[1], seed=1)
    result = {
        "sizes": runs,
        "time_to_linear": round(_rate(runs[-1]) / _rate(runs[max(0, len(runs) - 2)]), 3),
        "new_day": {**day, "share_of_the_whole": _share(day, runs[-1])},
    }
    written = json.dumps(result, indent=1, ensure_ascii=False)
    (HERE / "results" / "scaling.json").write_text(written + "\n", encoding="utf-8")
    _print(result)


def _rate(run: dict[str, Any]) -> float:
    return run["seconds_a_million"]


def _share(day: dict[str, Any], whole: dict[str, Any]) -> float:
    return round(day["cpu_seconds"] / whole["cpu_seconds"], 4)


def _turns(data: Path) -> list[str]:
    path = data / "koziev" / "extract_dialogues_from_anekdots.txt"
    found = (d for d in sources.read(path, root=path.parent) if isinstance(d, Dialogue))
    return [m.content for d in found for m in d.messages if len(m.content) > 20]


def _taken(turns: list[str], size: int, home: Path, day: str, *, seed: int) -> dict[str, Any]:
    """Write so many messages, four a dialogue, and return what taking them in cost."""
    rng = random.Random(seed)
    home.mkdir(exist_ok=True)
    file = home / f"{day}.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number in range(size // TURNS):
            said = [
                {"role": ("user", "assistant")[n % 2], "content": rng.choice(turns)}
                for n in range(TURNS)
            ]
            row = {"id": f"{seed}-{number}", "messages": said}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    command = [sys.executable, "-P", str(HERE / "intake.py"), str(home / "home"), str(file), day]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    run = json.loads(done.stdout)
    file.unlink()
    return {
        "messages": size,
        "kept": run["kept"],
        "cpu_seconds": run["cpu_seconds"],
        "seconds_a_million": round(run["cpu_seconds"] / size * 1e6, 2),
        "peak_mib": run["peak_mib"],
        "start_up": run["start_up"],
        "laps": run["laps"],
    }


def _print(result: dict[str, Any]) -> None:
    table = Table(title="messages → tables")
    for name in ("messages", "kept", "cpu_seconds", "seconds_a_million", "peak_mib"):
        table.add_column(name, justify="right")
    for run in (*result["sizes"], result["new_day"]):
        table.add_row(*(f"{run[column.header]:,}" for column in table.columns))
    console = Console()
    console.print(table)
    console.print(f"time to linear: {result['time_to_linear']}")
    day = result["new_day"]
    console.print(
        f"the new day: {day['share_of_the_whole']:.2%} of the whole, start-up {day['start_up']} s"
    )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
