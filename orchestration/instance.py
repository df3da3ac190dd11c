"""The Dagster instance under the home: one history for the CLI, the UI and the daemon."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lake.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

CONFIGURATION = """\
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs: {max_concurrent_runs: 2}
  pools: {default_limit: 1, granularity: op}
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  free_slots_after_run_end_seconds: 30
  poll_interval_seconds: 15
run_retries: {enabled: true, max_retries: 1, retry_on_asset_or_op_failure: false}
retention:
  sensor: {purge_after_days: {skipped: 1, success: 30, failure: 30}}
freshness: {enabled: true}
"""


CODE_LOCATION = "steppe"
WORKSPACE = f"""\
load_from:
  - python_module: {{module_name: orchestration.definitions, location_name: {CODE_LOCATION}}}
"""


def prepare(settings: Settings) -> Path:
    """Write the instance's configuration if it is missing, and point Dagster at it."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"dagster.yaml": CONFIGURATION, "workspace.yaml": WORKSPACE}.items():
        path = folder / name
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["STEPPE_HOME"] = str(settings.home)  # children run elsewhere, on the same home
    return folder


@contextmanager
def opened(settings: Settings) -> Iterator["dg.DagsterInstance"]:
    """Yield the instance, prepared."""
    prepare(settings)
    import dagster as dg

    warnings.filterwarnings("ignore", category=dg.PreviewWarning)  # every Pipes session says so
    with dg.DagsterInstance.get() as instance:
        yield instance
