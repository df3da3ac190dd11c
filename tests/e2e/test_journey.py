"""The whole loop through its real door, on the small base and a few training steps.

What is checked here is how the stages hang together: counts that add up, a second turn that does
nothing, a new file that touches its own day alone.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import sql
from assets import inbox
from lake import query
from lake.tables import Lake
from models.base import BaseModel

STEPPE = Path(sys.executable).with_name("steppe")
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
SAMPLES = Path(inbox.__file__).parent / "sources" / "samples"


@pytest.fixture(scope="module")
def home(quick_base: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has taken one turn on the sample dialogues, of yesterday."""
    home = tmp_path_factory.mktemp("journey") / "home"
    shutil.copytree(quick_base.path, home / "models" / "bases" / quick_base.path.name)
    inbox.take_in([SAMPLES / "dialogues"], home / "inbox", day=YESTERDAY)
    (home / "suites").mkdir()
    shutil.copy(SAMPLES / "held_out.jsonl", home / "suites" / "sample.jsonl")
    done = steppe(home, "grow")
    assert 0 == done.returncode, done.stderr
    return home


def steppe(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program on a home, as a person does."""
    chosen = {
        "STEPPE_HOME": str(home),
        "STEPPE_BASE_MODEL": "embedded-quick",
        "STEPPE_RECIPE": "quick",
        "STEPPE_SELF_CHATS_PER_DAY": "8",
    }
    return subprocess.run(
        [STEPPE, *arguments],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def versions(home: Path) -> dict[str, int]:
    """Return the version of every table."""
    from lake import schemas

    return {name: Lake(home).version(name) for name in schemas.tables()}


def commits_by_day(home: Path, table: str) -> list[str]:
    """Return the predicate of every commit, the newest first."""
    return [h["operationParameters"].get("predicate", "") for h in Lake(home).history(table)]


def test_everything_that_came_in_is_accounted_for(home: Path) -> None:
    rows = query.ask(
        Lake(home), "select stage, fate, sum(records) as n from cleaning_funnel group by all"
    )
    counts = {(r["stage"], r["fate"]): int(r["n"]) for r in rows}

    assert counts["raw", "received"] > 100
    assert counts["raw", "received"] == counts["cleaned", "kept"] + counts.get(
        ("cleaned", "dropped"), 0
    )
    assert [] == [name for name in sql.names("checks") if query.offending(Lake(home), name)]


def test_the_adapter_is_registered_and_judged(home: Path) -> None:
    lake = Lake(home)
    verdicts = lake.rows("evaluations_verdicts")
    trained = {row["adapter_id"] for row in lake.rows("adapters_versions")}
    scored = {row["model_id"] for row in lake.rows("evaluations_scores")}

    assert trained
    assert trained == {verdict["adapter_id"] for verdict in verdicts}
    assert all(verdict["reasons"] for verdict in verdicts)
    assert all((home / "models" / "adapters" / a / "steppe.json").exists() for a in trained)
    assert trained | {verdict["champion_id"] or "base" for verdict in verdicts} == scored


def test_only_a_passed_adapter_is_served(home: Path) -> None:
    lake = Lake(home)
    passed = {v["adapter_id"] for v in lake.rows("evaluations_verdicts") if v["passed"]}

    assert passed == {d["adapter_id"] for d in lake.rows("deployments_history")}


def test_a_second_turn_writes_nothing(home: Path) -> None:
    assert 0 == steppe(home, "grow").returncode  # what another test said or brought is taken in
    before = versions(home)
    done = steppe(home, "grow")

    assert "Nothing is new" in done.stdout
    assert before == versions(home)


def test_its_runs_are_in_the_instance_that_the_ui_shows(home: Path) -> None:
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        materialized = {key.to_user_string() for key in instance.all_asset_keys()}
        statuses = {run.status for run in instance.get_runs()}

    assert {"raw_records", "cleaned_dialogues", "adapters_versions"} <= materialized
    assert dg.DagsterRunStatus.STARTED not in statuses


def test_what_was_said_is_found_by_meaning_and_words(home: Path) -> None:
    found = steppe(home, "search", "ключ", "--limit", "3", "--json").stdout.splitlines()

    assert 3 == len(found)
    assert all("ключ" in json.loads(line)["text"].lower() for line in found)


def test_the_champion_answers_through_the_served_api(home: Path) -> None:
    done = steppe(home, "chat", "Привет!")

    assert 0 == done.returncode, done.stderr
    assert done.stdout.strip()
    logged = max((home / "inbox").glob("*/gateway.jsonl")).read_text(encoding="utf-8")
    events = [json.loads(line)["event"] for line in logged.splitlines()]
    assert ["request", "answer"] == events[-2:]


def test_a_new_file_touches_its_own_day_alone(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    talk = [
        {"role": "user", "content": "Как зовут мою козу?"},
        {"role": "assistant", "content": "Твою козу зовут Берёза."},
    ]
    new.write_text(json.dumps({"messages": talk}, ensure_ascii=False) + "\n")
    before = {t: len(commits_by_day(home, t)) for t in ("raw_records", "cleaned_dialogues")}
    assert 0 == steppe(home, "ingest", str(new)).returncode
    assert 0 == steppe(home, "grow").returncode

    for table, count in before.items():
        commits = commits_by_day(home, table)[: -count or None]
        assert commits
        assert not any(str(YESTERDAY) in predicate for predicate in commits), commits
    assert {YESTERDAY} < set(Lake(home).days("cleaned_dialogues"))


def test_the_doctor_finds_nothing_wrong_after_a_clean_turn(home: Path) -> None:
    done = steppe(home, "doctor")

    assert 0 == done.returncode, done.stdout
    assert "repaired" not in done.stdout, done.stdout


def test_tables_are_made_without_a_model(tmp_path: Path) -> None:
    inbox.take_in([SAMPLES / "dialogues"], tmp_path / "inbox", day=YESTERDAY)

    done = steppe(tmp_path, "grow", "--until", "cleaned")

    assert 0 == done.returncode, done.stderr
    lake = Lake(tmp_path)
    assert lake.count("cleaned_dialogues", YESTERDAY)
    assert not lake.exists("embeddings_duplicates")
    assert not list(tmp_path.glob("models/bases/*"))
