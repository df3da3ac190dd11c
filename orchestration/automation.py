"""When assets run by themselves, applied from above by stage; and how fresh they should be.

`eager()` never asks again for a run that failed, and `execution_failed()` alone asks for ever: one
broken asset made 368,000 failed runs in a fortnight elsewhere (mitodl/ol-data-platform).  The edge
`newly_true()` asks exactly once more.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

BY_THEMSELVES = ("cleaned", "embeddings")
OVER_ALL_DAYS = ("embeddings_observations", "embeddings_memories")
FRESH_WITHIN = timedelta(hours=36)
WARN_AFTER = timedelta(hours=25)


def eager_with_one_retry() -> dg.AutomationCondition[Any]:
    """Return: run when something upstream changed; after a failure, once more, then wait.

    What counts is another data version, not another materialization: a backfill over days that
    stay as they are starts nothing.  `eager()` looks at the newest day alone; ours at every day,
    for an export brings back old ones.
    """
    return (_eager() | _again()).with_label("eager, one retry")


def _eager() -> Any:
    changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    return (
        dg.AutomationCondition.eager()
        .without(dg.AutomationCondition.in_latest_time_window())
        .replace("any_deps_updated", changed.with_label("any_deps_changed"))
    )


def _again() -> Any:
    failed_just_now = dg.AutomationCondition.execution_failed().newly_true()
    return failed_just_now & ~dg.AutomationCondition.in_progress()


def over_all_days() -> dg.AutomationCondition[Any]:
    """Return the same for what is made of every day at once.

    `eager()` waits until nothing upstream is missing; of all the days since the first, most are.
    """
    return (_eager().without(~dg.AutomationCondition.any_deps_missing()) | _again()).with_label(
        "eager over all days, one retry"
    )


def apply(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return an asset's spec with its stage's condition and freshness."""
    if spec.group_name in BY_THEMSELVES:
        whole = spec.key.to_user_string() in OVER_ALL_DAYS
        condition = over_all_days() if whole else eager_with_one_retry()
        spec = spec.replace_attributes(automation_condition=condition)
    if spec.group_name == "cleaned":
        policy = dg.FreshnessPolicy.time_window(fail_window=FRESH_WITHIN, warn_window=WARN_AFTER)
        spec = spec.replace_attributes(freshness_policy=policy)
    return spec


SWITCHES = {
    "loop": "nightly self-chat and training trigger",
    "self-chat": "self-chat round the clock, in idle time",
}
"""What is shipped off and can be turned on, by the word it has in `steppe automate`."""


def flag(home: Path, switch: str = "loop") -> Path:
    """Return the file whose presence turns on what is shipped off."""
    return home / ("automation.on" if switch == "loop" else f"automation.{switch}.on")


def is_on(home: Path, switch: str) -> bool:
    """Return whether a switch is on."""
    return flag(home, switch).exists()


def schedule_status(home: Path) -> dg.DefaultScheduleStatus:
    """Return the status of the nightly schedule."""
    on = is_on(home, "loop")
    return dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED


def sensor_status(home: Path, switch: str) -> dg.DefaultSensorStatus:
    """Return the status of a sensor that a switch turns on."""
    on = is_on(home, switch)
    return dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED


def turn(home: Path, *, on: bool, switch: str = "loop") -> None:
    """Turn what is shipped off on, or off again."""
    home.mkdir(parents=True, exist_ok=True)
    if on:
        flag(home, switch).touch()
    else:
        flag(home, switch).unlink(missing_ok=True)
