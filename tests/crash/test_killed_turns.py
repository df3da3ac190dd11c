"""`kill -9` at random moments of `steppe grow`, spread over all stages and the base's growth.

Promise: whatever the moment, every table opens, nothing that was never passed is served, and after
`steppe doctor` the next `steppe grow` ends where a turn that was never killed ends: the same
records, the same dialogues, the same adapter, byte for byte.

The moments are drawn by seed from the length of an undisturbed turn.  `STEPPE_HOME` of the control
and of the victim differ in nothing but their place.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sql
from assets import inbox
from lake import query, schemas
from lake.tables import Lake
from models.base import BaseModel

pytestmark = pytest.mark.crash

STEPPE = Path(sys.executable).with_name("steppe")
SAMPLES = Path(inbox.__file__).parent / "sources" / "samples" / "dialogues"
ROUNDS, TURNS_A_ROUND = 12, 10
KILLS = 60  # turns killed while they were under way; then the test has seen enough
GROWTH_KILLS = 6
SEED = 20_261_123
TABLES_THAT_MUST_AGREE = {
    "raw_records": "record_id",
    "cleaned_dialogues": "revision",
    "cleaned_dropped": "record_id",
    "self_chats_dialogues": "dialogue_id",
    "adapters_training_sets": "position",
    "adapters_versions": "adapter_id",
}


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a turn on a home."""
    chosen = {
        "STEPPE_HOME": str(home),
        "STEPPE_BASE_MODEL": "embedded-quick",
        "STEPPE_RECIPE": "quick",
        "STEPPE_SELF_CHATS_PER_DAY": "8",
    }
    return {**os.environ, **chosen}


def steppe(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [STEPPE, *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def killed_turn(home: Path, after_seconds: float) -> bool:
    """Begin a turn and kill it; return whether it was still under way."""
    turn = subprocess.Popen(
        [STEPPE, "grow"],
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        turn.wait(after_seconds)
    except subprocess.TimeoutExpired:
        turn.send_signal(signal.SIGKILL)
    return turn.wait() == -signal.SIGKILL


def give(home: Path, files: list[Path]) -> None:
    """Put files into today's inbox."""
    from datetime import UTC, datetime

    inbox.take_in(files, home / "inbox", day=datetime.now(UTC).date())


def contents(home: Path) -> dict[str, list[str]]:
    """Return the sorted keys of every table that must agree."""
    lake = Lake(home)
    return {
        table: sorted(str(row[key]) for row in lake.rows(table))
        for table, key in TABLES_THAT_MUST_AGREE.items()
    }


def is_sound(home: Path) -> None:
    """Hold the promises that hold at every moment, also right after a kill."""
    import duckdb

    lake = Lake(home)
    for table in schemas.tables():
        assert [] == lake.verify(table)
        lake.rows(table)
    assert [] == query.offending(lake, "assert_only_passed_adapters_are_served")
    assert [] == query.offending(lake, "assert_dialogue_revisions_are_unique")
    if (home / "warehouse.duckdb").exists():
        with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as reader:
            reader.sql("from cleaning_funnel").fetchall()


def shares() -> list[list[Path]]:
    """Return the sample's files, dealt into one share a round."""
    files = sorted(p for p in SAMPLES.rglob("*") if p.is_file())
    return [files[n::ROUNDS] for n in range(ROUNDS)]


def test_kills_at_random_moments_lose_and_double_nothing(
    quick_base: BaseModel, tmp_path: Path
) -> None:
    """Each round brings new files; ten turns are killed, the doctor looks, one turn ends.

    A moment drawn late may find its turn ended: such a turn does not count.
    """
    victim, control = tmp_path / "victim", tmp_path / "control"
    for home in (victim, control):
        shutil.copytree(quick_base.path, home / "models" / "bases" / quick_base.path.name)
    rng = random.Random(SEED)
    kills = begun = 0
    for number, files in enumerate(shares()):
        give(control, files)
        started = time.monotonic()
        assert 0 == steppe(control, "grow").returncode
        whole = time.monotonic() - started
        give(victim, files)
        for _ in range(TURNS_A_ROUND):
            begun += 1
            kills += killed_turn(victim, rng.uniform(0.3, whole))
            is_sound(victim)
        doctor, grown = steppe(victim, "doctor"), steppe(victim, "grow")
        assert 0 == doctor.returncode, doctor.stdout + doctor.stderr
        assert 0 == grown.returncode, grown.stderr
        assert contents(control) == contents(victim)
        assert [] == [n for n in sql.names("checks") if query.offending(Lake(victim), n)]
        print(f"round {number}: {kills} kills so far, an undisturbed turn takes {whole:.0f} s")
        if kills >= KILLS:
            break
    print(f"{kills} turns killed under way, of {begun} begun")
    assert kills >= KILLS


def test_a_killed_growth_leaves_no_base_and_no_process(tmp_path: Path) -> None:
    """The base's growth is killed at moments of its own; the next one starts from nothing."""
    home, rng = tmp_path / "home", random.Random(SEED)
    give(home, shares()[0])
    for _ in range(GROWTH_KILLS):
        assert killed_turn(home, rng.uniform(2, 25))
        time.sleep(1.5)
        alive = subprocess.run(
            ["pgrep", "-f", str(home / "models" / "bases")], capture_output=True, check=False
        )
        assert 1 == alive.returncode, alive.stdout
        bases = home / "models" / "bases"
        assert [] == [p for p in bases.glob("*") if not p.name.startswith(".")]
    assert 0 == steppe(home, "doctor").returncode
    assert [] == list((home / "models" / "bases").glob(".*"))
