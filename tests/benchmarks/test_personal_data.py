"""How fast personal data is found.

Question: the anekdots of `koziev` (15.7 MB, 515,655 lines) through the gate and the rules, names
off and on.  Expected: the gate runs at 500 MB a CPU-second and lets one line in seventy through.
Baseline, in the same process: the gate alone.  Megabytes are of UTF-8.
"""

import time
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from assets.cleaning.personal import Pseudonymiser, gate

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize("names", [False, True], ids=["names off", "names on"])
def test_finding_personal_data(shared_data: Path, names: bool) -> None:
    path = shared_data / "koziev" / "extract_dialogues_from_anekdots.txt"
    lines = pl.Series(path.read_text(encoding="utf-8").splitlines())
    megabytes = path.stat().st_size / 1e6
    pseudonymiser, found = Pseudonymiser(b"key", names=names), Counter[str]()
    pseudonymiser.apply(["Маша, 89161234567, ул. Мира, 5"], "warm")

    started = time.process_time()
    through = lines.filter(lines.str.contains(gate(names)))
    gated = time.process_time()
    for line in through:
        found.update(finding.kind for finding in pseudonymiser.apply([line], "talk")[1])
    done = time.process_time()

    print(
        f"\n{megabytes:.1f} MB, {len(through):,} of {len(lines):,} lines through the gate\n"
        f"gate {megabytes / (gated - started):.0f}, all {megabytes / (done - started):.1f} MB/CPU-s"
        f"\n{dict(found)}"
    )
    assert found["phone"] + found["address"] > 0
