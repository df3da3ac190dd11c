"""What a killed step leaves on Ray: stopped by a sensor that ships off, and by the doctor."""

import dagster as dg
import pytest

from assets import ray_jobs
from lake import settings as module
from lake.settings import Settings
from orchestration import instance as instances
from orchestration import repairs, sensors


def test_the_reaper_ships_off_and_is_idle_without_ray() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        said = sensors.ray_reaper(dg.build_sensor_context(instance=instance))

    assert dg.DefaultSensorStatus.STOPPED == sensors.ray_reaper.default_status
    assert "not ray" in said.skip_message


def test_only_runs_that_are_over_are_over() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.job(name="nothing")(lambda: None)
        over = job.execute_in_process(instance=instance).run_id
        going_on = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED).run_id
        is_over = sensors.run_is_over(instance)

        assert [True, False, False] == [is_over(r) for r in (over, going_on, "of another home")]


def test_sensor_and_doctor_reap_where_ray_is_in_use(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def reap(address: str, _is_over: object, *, stop: bool = True) -> list[str]:
        asked.append((address, stop))
        return ["0123456789"]

    monkeypatch.setattr(ray_jobs, "reap", reap)
    monkeypatch.setenv("STEPPE_TRAINING__BACKEND", "ray")
    monkeypatch.setenv("STEPPE_TRAINING__RAY_ADDRESS", "http://head:8265")
    module.settings.cache_clear()
    with instances.opened(module.settings()) as instance:
        said = sensors.ray_reaper(dg.build_sensor_context(instance=instance))
    found = list(repairs._ray_jobs(module.settings(), repair=False))

    assert "1 orphans stopped: 0123456789" == said.skip_message
    assert ["the job of run 01234567 went on without it"] == [f.words for f in found]
    assert [("http://head:8265", True), ("http://head:8265", False)] == asked
