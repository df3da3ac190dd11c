"""Train one adapter in a process of its own: `python -m models.train [request.json]`.

Without an argument it is a Dagster Pipes process: the request comes as extras, progress goes
back as log lines and messages, and the adapter as materialization metadata with the check
`loss_finite`, which the asset must declare.  With an argument it reads the request from a file
and draws a progress bar.  The last line of standard output is the report as JSON.  Of several
processes that a launcher started (`models.launching`) only the main one says any of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lake.errors import SteppeError
from models import estimates, recipes
from models.processes import PARENT_VARIABLE, calm_down, die_with_parent
from models.training import ranks
from models.training.request import AdapterReport, Report, TrainRequest


def main(arguments: list[str]) -> int:
    """Train what is asked for; return 0, or 1 with the error and its hint on standard error."""
    calm_down()
    try:
        report = _by_hand(Path(arguments[0])) if arguments else _by_pipes()
    except SteppeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    ranks.part()
    if ranks.is_main():
        sys.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False) + "\n")
    return 0


def _train(content: Mapping[str, Any], report: Report) -> AdapterReport:
    recipes.parse(content["recipe"])  # before the ten seconds of imports, not after
    started = time.monotonic()
    import trl.trainer.sft_trainer  # noqa: F401  timed apart from the training

    from models import execution

    report({"event": "ready", "import_seconds": round(time.monotonic() - started, 1)})
    asked = {**content}
    conditions = execution.Conditions(**asked.pop("conditions", {}))
    request = replace(TrainRequest(**asked), processes=ranks.processes())
    return execution.run(request, report, conditions)


def _by_hand(path: Path) -> AdapterReport:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    if PARENT_VARIABLE in os.environ:  # started by a process that it must not outlive
        die_with_parent()
    if not ranks.is_main():
        return _train(json.loads(path.read_text(encoding="utf-8")), _say_nothing)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)

        def report(event: dict[str, Any]) -> None:
            if event["event"] == "step":
                words = f"loss {event['loss']:.3f}  {event['tokens_per_second']} tokens/s"
                bar.update(task, description=words, completed=event["step"], total=event["steps"])
            elif event["event"] in ("estimate", "smaller_batch"):
                bar.console.print(_words(event), highlight=False)

        return _train(json.loads(path.read_text(encoding="utf-8")), report)


def _by_pipes() -> AdapterReport:
    from dagster_pipes import open_dagster_pipes

    die_with_parent()
    if not ranks.is_main():
        return _train(_asked_by_pipes(), _say_nothing)

    with open_dagster_pipes() as pipes:

        def report(event: dict[str, Any]) -> None:
            pipes.report_custom_message(event)
            pipes.log.info(_words(event))
            sys.stderr.write(f"{_words(event)}\n")

        request = pipes.extras["request"]
        done = _train(request, report)
        pipes.report_asset_check("loss_finite", passed=True, metadata={"loss": done.train_loss})
        pipes.report_asset_materialization(metadata=_metadata(done), data_version=done.adapter_id)
        pipes.report_custom_message({"event": "done", "report": done.as_dict()})
    return done


def _asked_by_pipes() -> Mapping[str, Any]:
    """Return the request without opening the session: only the main process may speak there."""
    from dagster_pipes import PipesDefaultContextLoader, PipesMappingParamsLoader

    given = PipesMappingParamsLoader(os.environ).load_context_params()
    with PipesDefaultContextLoader().load_context(given) as context:
        return dict((context["extras"] or {})["request"])


def _say_nothing(_event: Mapping[str, Any]) -> None:
    """Take an event of a process that is not the main one."""


def _words(event: Mapping[str, Any]) -> str:
    """Return an event as one line for a person."""
    if event["event"] == "estimate":
        told = {key: value for key, value in event.items() if key != "event"}
        return f"estimate: {estimates.Estimate(**told).in_words()}"
    shown = "  ".join(f"{key} {value}" for key, value in event.items() if key != "event")
    return f"{event['event']}: {shown}"


def _metadata(done: AdapterReport) -> dict[str, Any]:
    shown = done.as_dict()
    losses = shown.pop("losses")
    shown.pop("path")
    for name in ("rows_dropped", "metrics", "predicted"):
        shown[name] = {"raw_value": shown[name], "type": "json"}
    return {**shown, "first_loss": losses[0][1] if losses else None}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
