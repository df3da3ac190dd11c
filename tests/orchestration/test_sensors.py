"""The inbox sensor: one run for each day whose files changed, none for what the lake knows."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets import fingerprints, inbox, sessions
from lake.settings import settings
from lake.tables import Lake, Provenance
from orchestration.sensors import idle_sensor, inbox_sensor

TODAY = datetime.now(UTC).date()


def tick(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    with dg.DagsterInstance.ephemeral() as instance:
        return inbox_sensor(dg.build_sensor_context(instance=instance, cursor=cursor))


@pytest.fixture
def dropped() -> Path:
    """A file that a person dropped loose into the inbox."""
    folder = settings().inbox
    folder.mkdir(parents=True)
    path = folder / "talk.txt"
    path.write_text("- Привет!\n- Привет! Как дела?\n")
    return path


def test_a_loose_file_becomes_a_run_of_today(dropped: Path) -> None:
    result = tick(None)

    assert [str(TODAY)] == [r.partition_key for r in result.run_requests]
    assert not dropped.exists()
    assert (settings().inbox / str(TODAY) / "talk.txt").exists()


def test_the_same_files_ask_once(dropped: Path) -> None:
    first = tick(None)
    second = tick(first.cursor)

    assert isinstance(second, dg.SkipReason)


def test_days_in_a_row_are_one_run_and_a_day_apart_another() -> None:
    for day in ("2026-03-01", "2026-02-28", "2026-03-04"):
        folder = settings().inbox / day
        folder.mkdir(parents=True)
        (folder / "talk.txt").write_text("- Привет!\n- Привет! Как дела?\n")
    row, apart = tick(None).run_requests

    assert ["2026-02-28", "2026-03-01"] == [
        row.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")
    ]
    assert "2026-03-04" == apart.partition_key


def test_a_changed_file_asks_again_under_another_key(dropped: Path) -> None:
    first = tick(None)
    path = settings().inbox / str(TODAY) / "talk.txt"
    path.write_text("- Привет!\n- Привет! Что нового?\n")
    second = tick(first.cursor)

    assert 1 == len(second.run_requests)
    assert first.run_requests[0].run_key != second.run_requests[0].run_key


def test_what_the_cli_has_read_already_is_not_asked_for(dropped: Path) -> None:
    chosen = settings()
    inbox.admit(chosen.inbox, day=TODAY)
    made_from = fingerprints.raw(chosen, TODAY)
    by = Provenance("test")
    Lake(chosen.home).replace("raw_records", [], day=TODAY, made_from=made_from, by=by)
    result = tick(None)

    assert [] == result.run_requests
    assert {str(TODAY)} == set(json.loads(result.cursor))


# --- self-chat in idle time ---------------------------------------------------------------------


def idle_tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    sensor = idle_sensor(dg.DefaultSensorStatus.STOPPED)
    return sensor(dg.build_sensor_context(instance=instance))


def test_an_idle_machine_talks_and_a_busy_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "has_questions", lambda _: [{"dialogue_id": "d"}])
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
        idle = idle_tick(instance)
        monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0))
        busy = idle_tick(instance)

    assert isinstance(idle, dg.RunRequest)
    assert isinstance(busy, dg.SkipReason)
    assert "load" in busy.skip_message


def test_a_run_under_way_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(a_job, status=dg.DagsterRunStatus.STARTED)
        waits = idle_tick(instance)

    assert isinstance(waits, dg.SkipReason)
    assert "under way" in waits.skip_message


def test_what_a_person_held_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    sessions.say(Lake(settings().home), "held", "нет")
    with dg.DagsterInstance.ephemeral() as instance:
        waits = idle_tick(instance)

    assert isinstance(waits, dg.SkipReason)
    assert "held: нет" == waits.skip_message


@dg.job
def a_job() -> None:
    """A job that does nothing."""
