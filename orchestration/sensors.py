"""What starts runs: new files, enough new dialogues; and what is said when a run fails."""

import json
from datetime import UTC, datetime

import dagster as dg

from assets import fingerprints, inbox, training_sets
from assets.lineage import trained
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
    """Request a run for each day whose files are not what the lake was made from."""
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
        run_requests=[
            dg.RunRequest(partition_key=day, run_key=f"{day}:{made_from}")
            for day, made_from in stale.items()
        ],
        cursor=json.dumps(now),
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
        if planned is None or trained(lake, planned):
            return dg.SkipReason("no dialogue that the newest adapter does not know")
        fresh = training_sets.unknown_dialogues(lake, planned)
        if fresh < chosen.training.enough_new_dialogues:
            return dg.SkipReason(
                f"{fresh} new dialogues of {chosen.training.enough_new_dialogues} wanted"
            )
        return dg.RunRequest(run_key=planned.training_set_id)

    return enough_new_dialogues


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
