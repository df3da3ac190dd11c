"""The GPU measurement's CPU twin: the same parts on shapes of a hundred thousand parameters."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("gpu_training.py")


def test_the_parts_run_without_a_gpu_too(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    asked = ["--preset", "tiny", "--parts", "sft,step70b", "--patience", "3", "--seconds", "600"]

    subprocess.run([sys.executable, SCRIPT, *asked, "--out", out], check=True)
    found = json.loads(out.read_text(encoding="utf-8"))["parts"]

    assert found["sft"]["report"]["steps"] == 4
    assert found["sft"]["loaded_back"]["logits_moved_by"] > 0
    assert ["adam8:1:64", "adam32:1:64"] == [run["plan"] for run in found["step70b"]["runs"]]
    assert all(run["peak_bytes"] > 0 for run in found["step70b"]["runs"])


def test_a_part_without_time_says_so(tmp_path: Path) -> None:
    out = tmp_path / "found.json"

    asked = ["--preset", "tiny", "--parts", "sft", "--seconds", "1", "--out", out]
    subprocess.run([sys.executable, SCRIPT, *asked], check=True)

    assert "no time left" == json.loads(out.read_text())["parts"]["sft"]["not_run"]
