"""No child outlives its parent, not even one whose parent is killed while it still starts up."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import sys, time
time.sleep(float(sys.argv[2]))
from models.processes import die_with_parent
die_with_parent()
time.sleep(1.0)
open(sys.argv[1], "w").close()
"""
PARENT = """
import os, subprocess, sys, time
from models.processes import child_environment
child = [sys.executable, "-c", sys.argv[1], *sys.argv[2:4]]
begun = subprocess.Popen(child, env=child_environment())
if sys.argv[4] == "to its end":
    begun.wait()
time.sleep(float(sys.argv[4]) if sys.argv[4] != "to its end" else 0)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("asks_after", "parent_lives", "survives"),
    [("0.8", "0.2", False), ("0.0", "0.8", False), ("0.0", "to its end", True)],
    ids=["parent gone before it asks", "parent gone after it asked", "parent alive"],
)
def test_a_child_ends_with_its_parent(
    asks_after: str, parent_lives: str, survives: bool, tmp_path: Path
) -> None:
    mark = tmp_path / "survived"
    command = [sys.executable, "-c", PARENT, CHILD, str(mark), asks_after, parent_lives]
    subprocess.run(command, check=True)
    time.sleep(2.5)

    assert survives == mark.exists()
