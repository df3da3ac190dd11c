"""What a year's backfill in the Dagster UI costs, the second time too.

    python -P tests/benchmarks/backfill.py [DAYS [SECONDS]]     # 365 days, to be looked at

The webserver and the daemon run as in `steppe ui`; the backfill is asked of the webserver as its
button does.  A year of 20 dialogues a day is asked for four times: all new, nothing new, the
last three days changed, the first day changed, which every later day may repeat.  The sensors are
stopped, or they would do the work first.  The daemon looks every 30 seconds for what to begin.
"""

import json
import os
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from assets import cleaned, raw
from lake import settings as settings_module
from lake.settings import Settings
from lake.tables import Lake
from orchestration import instance, pages

RESULTS = Path(__file__).parent / "results" / "backfill.json"
FIRST = date(2025, 1, 1)
TALKS = 20
CHANGED = 3
WRITTEN = ("raw_records", "cleaned_dialogues")
TABLES = (*raw.SPECS, *cleaned.SPECS)
LIMIT_SECONDS = 1800
ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}

LAUNCH = """
  mutation ($params: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $params) {
      __typename
      ... on LaunchBackfillSuccess { backfillId }
      ... on PythonError { message }
    }
  }
"""
STATUS = """
  query ($id: String!) {
    partitionBackfillOrError(backfillId: $id) {
      ... on PartitionBackfill { status }
    }
    runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
      ... on Runs { results { id status } }
    }
  }
"""
SENSORS = """
  query ($repository: RepositorySelector!) {
    sensorsOrError(repositorySelector: $repository) {
      ... on Sensors { results { id } }
    }
  }
"""
STOP = "mutation ($id: String!) { stopSensor(id: $id) { __typename } }"
REPOSITORY = {
    "repositoryLocationName": instance.CODE_LOCATION,
    "repositoryName": "__repository__",
}


def main(days: int = 365, look: int = 0) -> None:
    """Measure the four backfills; print and write the table."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        settings = _settings(Path(folder))
        for number in range(days):
            _put(settings, FIRST + timedelta(days=number), "")
        with instance.opened(settings):
            pass
        url = _start(settings, processes)
        rows = [_measured("all new", url, settings, days), _measured("again", url, settings, days)]
        for number in range(days - CHANGED, days):
            _put(settings, FIRST + timedelta(days=number), " снова")
        rows.append(_measured(f"the last {CHANGED} days changed", url, settings, days))
        _put(settings, FIRST, " снова")
        rows.append(_measured("the first day changed", url, settings, days))
        if look:
            Console().print(f"{url.removesuffix('graphql')} stays up for {look} seconds")
            time.sleep(look)
    RESULTS.write_text(json.dumps({"days": days, "talks_a_day": TALKS, "runs": rows}, indent=1))
    _show(rows)


def _settings(home: Path) -> Settings:
    with socket.socket() as probe:
        probe.bind((pages.LOOPBACK, 0))
        port = probe.getsockname()[1]
    os.environ["STEPPE_SERVING__DAGSTER_PORT"] = str(port)
    return settings_module.load(home=home)


def _put(settings: Settings, day: date, more: str) -> None:
    """Lay a day's dialogues into the inbox, different ones each day."""
    path = settings.inbox / str(day) / f"talks{more.strip()}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(TALKS):
        asked = f"Что записано в дневнике за {day:%d.%m.%Y} под номером {number}{more}?"
        told = f"Запись {number * 7919 + day.toordinal()}: погода, степь и дорога{more}."
        messages = [("user", asked), ("assistant", told)]
        said = [{"role": role, "content": content} for role, content in messages]
        lines.append(json.dumps({"messages": said}, ensure_ascii=False))
    path.write_text("\n".join(lines), encoding="utf-8")


def _start(settings: Settings, processes: ExitStack) -> str:
    """Start the webserver, stop the sensors, start the daemon; return the GraphQL address."""
    url = f"http://{pages.LOOPBACK}:{settings.serving.dagster_port}"
    workspace = ["-w", str(instance.prepare(settings) / "workspace.yaml")]
    address = ["-h", pages.LOOPBACK, "-p", str(settings.serving.dagster_port)]
    server = [pages._program("dagster-webserver"), *workspace, *address]
    process = pages._spawn("dagster", server, settings, processes)
    pages._wait(pages.Page("Dagster", url, "/server_info", process))
    for sensor in _ask(f"{url}/graphql", SENSORS, repository=REPOSITORY)["sensorsOrError"][
        "results"
    ]:
        _ask(f"{url}/graphql", STOP, id=sensor["id"])
    daemon = [pages._program("dagster-daemon"), "run", *workspace]
    pages._spawn("daemon", daemon, settings, processes)
    return f"{url}/graphql"


def _measured(what: str, url: str, settings: Settings, days: int) -> dict[str, Any]:
    """Ask for all days; return wall seconds, runs, and the days that were written."""
    lake = Lake(settings.home)
    before = [len(lake.history(table)) for table in WRITTEN]
    started = time.monotonic()
    params = {
        "assetSelection": [{"path": [name]} for name in TABLES],
        "partitionNames": [str(FIRST + timedelta(days=n)) for n in range(days)],
    }
    launched = _ask(url, LAUNCH, params=params)["launchPartitionBackfill"]
    if "backfillId" not in launched:
        raise SystemExit(f"the backfill did not start: {launched}")
    while time.monotonic() - started < LIMIT_SECONDS:
        time.sleep(1)
        told = _ask(url, STATUS, id=launched["backfillId"])
        if told["partitionBackfillOrError"]["status"] in ENDED:
            break
    seconds = time.monotonic() - started
    return {
        "what": what,
        "status": told["partitionBackfillOrError"]["status"],
        "seconds": round(seconds),
        "runs": len(told["runsOrError"]["results"]),
        **{
            table: len(lake.history(table)) - commits
            for table, commits in zip(WRITTEN, before, strict=True)
        },
    }


def _ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    answer = httpx.post(url, json={"query": query, "variables": variables}, timeout=60)
    answer.raise_for_status()
    told = answer.json()
    if told.get("errors"):
        raise SystemExit(f"the webserver says {told['errors'][0]['message']}")
    return told["data"]


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table("backfill", "status", "seconds", "runs", *(f"days of {t}" for t in WRITTEN))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
