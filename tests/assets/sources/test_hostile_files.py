"""Whatever lies in a given folder, reading it raises nothing, ends, and stays inside."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# The most that a process holds: pyarrow's libraries, and a few copies of a 32 MiB record.
MAX_PEAK_MIB = 450

READER = """
import json, os, re, sys, tempfile
from pathlib import Path
import msgspec, pyarrow, pyarrow.parquet
from assets import sources
from lake.schemas import Unreadable

given, opened = Path(sys.argv[1]), []
tempfile.gettempdir()  # which tries out, once, where it may write
watching = [True]
def watch(event, arguments):
    if event not in ("open", "os.listdir", "os.scandir") or isinstance(arguments[0], int):
        return
    if watching[0]:
        opened.append(os.fsdecode(arguments[0] or "."))
sys.addaudithook(watch)

outcomes = {}
for found in sources.walk([given]):
    items = [found.problem] if found.problem else list(sources.read(found.path, root=found.root))
    outcomes[found.name] = [
        [i.reason, i.excerpt, i.detail] if isinstance(i, Unreadable) else ["read", "", ""]
        for i in items
    ]
watching[0] = False
status = Path("/proc/self/status").read_text()
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
print(json.dumps({"outcomes": outcomes, "opened": opened, "peak_kib": peak}))
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Make the files, read them in a process of its own, and take the folder away again."""
    import importlib.util
    import shutil

    place = Path(__file__).with_name("hostile_files.py")
    spec = importlib.util.spec_from_file_location("hostile_files", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("hostile")
    expected = module.make(folder)
    done = subprocess.run(
        [sys.executable, "-c", READER, str(folder / "given")],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    yield {"expected": expected, "folder": folder, "done": done}
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def result(hostile):
    assert hostile["done"].stderr == ""
    return json.loads(hostile["done"].stdout)


def test_no_hostile_file_raises(hostile):
    assert hostile["done"].returncode == 0, hostile["done"].stderr[-2000:]
    assert hostile["done"].stderr == ""


def test_every_hostile_file_ends_read_or_with_a_reason(hostile, result):
    expected, outcomes = hostile["expected"], result["outcomes"]

    assert len(expected) >= 300
    assert sorted(outcomes) == sorted(expected)
    assert all(items and all(reason for reason, _, _ in items) for items in outcomes.values())


def test_the_reason_is_the_right_one(hostile, result):
    wrong = {
        name: found
        for name, allowed in hostile["expected"].items()
        if allowed and (found := {r for r, _, _ in result["outcomes"][name]}) != allowed
        and not (found and found < allowed)
    }  # fmt: skip

    assert wrong == {}


def test_excerpts_are_short_and_fit_every_store(result):
    reports = [report for items in result["outcomes"].values() for report in items]

    assert all(len(excerpt) <= 200 and "\0" not in excerpt for _, excerpt, _ in reports)
    assert all(detail.endswith(".") for reason, _, detail in reports if reason != "read")


def test_nothing_outside_the_given_folder_is_opened(hostile, result):
    given = str((hostile["folder"] / "given").resolve())

    outside = [path for path in result["opened"] if not path.startswith(given)]
    # A temporary file is opened through its folder, then under its own name.
    unpacked = re.compile(re.escape(tempfile.gettempdir()) + r"(/steppe-\w+)?")

    assert len(result["opened"]) > 300
    assert [
        path
        for path in outside
        if not path.endswith((".py", ".pyc")) and not unpacked.fullmatch(path)
    ] == []


def test_memory_does_not_grow_with_the_record(result):
    assert result["peak_kib"] / 1024 <= MAX_PEAK_MIB
