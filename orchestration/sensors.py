"""What starts runs: new files, enough new dialogues; and what is said when a run fails."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from assets import fingerprints, inbox, ray_jobs, sessions, training_sets
from lake.ids import content_id
from lake.settings import settings
from lake.tables import Lake
from orchestration import jobs


@dg.sensor(
    job=jobs.INTAKE,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A new or changed file in the inbox makes its day run again.",
)
def inbox_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request runs for the days whose files are not what the lake was made from."""
    chosen = settings()
    inbox.admit(chosen.inbox, day=datetime.now(UTC).date())
    seen: dict[str, str] = json.loads(context.cursor or "{}")
    now = {str(day): fingerprints.raw(chosen, day) for day in inbox.days(chosen.inbox)}
    lake = Lake(chosen.home)
    stale = {
        day: made_from
        for day, made_from in now.items()
        if seen.get(day) != made_from and not lake.is_made_from("raw_records", day, made_from)
    }
    if not stale and seen == now:
        return dg.SkipReason(f"{len(now)} days in the inbox, nothing new")
    return dg.SensorResult(
        run_requests=[_run_of(days, stale) for days in _in_a_row(sorted(stale))],
        cursor=json.dumps(now),
    )


def _in_a_row(days: Iterable[str]) -> list[list[str]]:
    """Return days that follow each other together: a year that is copied in is one run."""
    rows: list[list[str]] = []
    for day in days:
        before = str(date.fromisoformat(day) - timedelta(days=1))
        if rows and rows[-1][-1] == before:
            rows[-1].append(day)
        else:
            rows.append([day])
    return rows


def _run_of(days: Sequence[str], made_from: Mapping[str, str]) -> dg.RunRequest:
    """Return the request for days in a row: another fingerprint is another run."""
    first, last = days[0], days[-1]
    if first == last:
        return dg.RunRequest(partition_key=first, run_key=f"{first}:{made_from[first]}")
    return dg.RunRequest(
        run_key=f"{first}..{last}:{content_id(*(made_from[day] for day in days))}",
        tags={
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        },
    )


def training_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the trigger of a training: enough dialogues that no adapter was trained on."""

    @dg.sensor(
        name="enough_new_dialogues",
        job=jobs.TRAINING,
        minimum_interval_seconds=300,
        default_status=status,
        description="Enough dialogues that no adapter knows start a training.",
    )
    def enough_new_dialogues(_: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        chosen = settings()
        lake = Lake(chosen.home)
        planned = training_sets.plan(lake, chosen)
        if planned is None or training_sets.trained(lake, planned):
            return dg.SkipReason("no dialogue that the newest adapter does not know")
        fresh = training_sets.unknown_dialogues(lake, planned)
        if fresh < chosen.training.enough_new_dialogues:
            return dg.SkipReason(
                f"{fresh} new dialogues of {chosen.training.enough_new_dialogues} wanted"
            )
        return dg.RunRequest(run_key=planned.training_set_id)

    return enough_new_dialogues


IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def idle_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Return the trigger of self-chat round the clock: an idle machine and budget left."""

    @dg.sensor(
        name="idle_self_chat",
        job=jobs.SESSION,
        minimum_interval_seconds=120,
        default_status=status,
        description="An idle machine talks with itself, within the day's budget.",
    )
    def idle_self_chat(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        chosen = settings()
        busy = context.instance.get_runs_count(dg.RunsFilter(statuses=IN_PROGRESS))
        if reason := _why_busy(busy, chosen.self_chat.idle_load):
            return dg.SkipReason(reason)
        if reason := sessions.why_not(Lake(chosen.home), chosen, datetime.now(UTC)):
            return dg.SkipReason(reason)
        return dg.RunRequest()

    return idle_self_chat


def _why_busy(runs: int, most: float) -> str:
    """Return why the machine is not idle, or an empty string."""
    if runs:
        return f"{runs} runs are under way"
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return f"the load a core is {load:.2f}, more than {most}" if load > most else ""


@dg.sensor(
    minimum_interval_seconds=60,
    description="Stops Ray jobs whose run is over: a killed step leaves its job with a GPU.",
)
def ray_reaper(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Stop the orphans on Ray; off until it is turned on, and idle where Ray is not in use."""
    training = settings().training
    if training.backend != "ray":
        return dg.SkipReason("training.backend is not ray")
    reaped = ray_jobs.reap(training.ray_address, run_is_over(context.instance))
    return dg.SkipReason(f"{len(reaped)} orphans stopped: {', '.join(reaped) or 'none'}")


def run_is_over(instance: dg.DagsterInstance) -> Callable[[str], bool]:
    """Return the question whether a run is over; one that this instance never had is not ours."""

    def is_over(run_id: str) -> bool:
        run = instance.get_run_by_id(run_id)
        return run is not None and run.is_finished

    return is_over


@dg.run_failure_sensor(
    name="failures",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes what failed into the home's `failures.log`.",
)
def failure_sensor(context: dg.RunFailureSensorContext) -> None:
    """Note the failed run where a person looks: one line in `failures.log`."""
    run = context.dagster_run
    at, why = datetime.now(UTC).isoformat(), context.failure_event.message
    line = f"{at} {run.job_name} {run.run_id} {why}"
    with (settings().home / "failures.log").open("a", encoding="utf-8") as file:
        file.write(" ".join(line.split()) + "\n")
    context.log.error(line)
