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
FRESH_WITHIN = timedelta(hours=36)
WARN_AFTER = timedelta(hours=25)


def eager_with_one_retry() -> dg.AutomationCondition[Any]:
    """Return: run when something upstream changed; after a failure, once more, then wait.

    What counts is another data version, not another materialization: a backfill over days that
    stay as they are starts nothing.  `eager()` looks at the newest day alone; ours at every day,
    for an export brings back old ones.
    """
    changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    eager = (
        dg.AutomationCondition.eager()
        .without(dg.AutomationCondition.in_latest_time_window())
        .replace("any_deps_updated", changed.with_label("any_deps_changed"))
    )
    failed_just_now = dg.AutomationCondition.execution_failed().newly_true()
    again = failed_just_now & ~dg.AutomationCondition.in_progress()
    return (eager | again).with_label("eager, one retry")


def apply(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return an asset's spec with its stage's condition and freshness."""
    if spec.group_name in BY_THEMSELVES:
        spec = spec.replace_attributes(automation_condition=eager_with_one_retry())
    if spec.group_name == "cleaned":
        policy = dg.FreshnessPolicy.time_window(fail_window=FRESH_WITHIN, warn_window=WARN_AFTER)
        spec = spec.replace_attributes(freshness_policy=policy)
    return spec


def flag(home: Path) -> Path:
    """Return the file whose presence turns on what is shipped off."""
    return home / "automation.on"


def default_status(home: Path) -> tuple[dg.DefaultScheduleStatus, dg.DefaultSensorStatus]:
    """Return the status of the nightly schedule and of the training trigger."""
    if flag(home).exists():
        return dg.DefaultScheduleStatus.RUNNING, dg.DefaultSensorStatus.RUNNING
    return dg.DefaultScheduleStatus.STOPPED, dg.DefaultSensorStatus.STOPPED


def turn(home: Path, *, on: bool) -> None:
    """Turn what is shipped off on, or off again."""
    home.mkdir(parents=True, exist_ok=True)
    if on:
        flag(home).touch()
    else:
        flag(home).unlink(missing_ok=True)
