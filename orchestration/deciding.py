"""`steppe verdict`, `hold`, `promote`, `rollback`: the gate's reasoning, and a person's word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from assets import canaries, decisions, exams, lineage
from assets.lineage import registry_of
from lake.errors import DeploymentError
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models.adapters import served_name
from models.evaluation import harness
from orchestration import turn

Row = Mapping[str, Any]


def verdict(settings: Settings, words: str | None, *, as_json: bool) -> None:
    """Print every decision on an adapter, or on the newest one that was decided on."""
    lake = Lake(settings.home)
    found = lineage.decisions(lake, lineage.find(settings, lake, words) if words else "")
    if not words and found:
        newest = max(found, key=lambda row: (row["adapter_id"] != "", row["decided_at"]))
        found = lineage.decisions(lake, newest["adapter_id"])
    if not found:
        raise DeploymentError(
            "Nothing was decided yet.", hint="`steppe grow` judges what it trains"
        )
    if as_json:
        for row in found:
            click.echo(json.dumps(dict(row), ensure_ascii=False, default=str))
        return
    for row in found:
        click.echo("\n".join(_lines(row)))
    standing = lineage.standing(lake, found[-1]["adapter_id"])
    word = ("may be served" if standing["passed"] else "may not be served") if standing else "open"
    reigning = lineage.deployed(lake)
    is_served = reigning is not None and reigning["adapter_id"] == found[-1]["adapter_id"]
    click.echo(f"stands: {word}{', and is served' if is_served else ''}")


def hold(settings: Settings, words: str, reason: str) -> None:
    """Keep an adapter from being served from now on; one that is served stays so."""
    lake = Lake(settings.home)
    with turn.only_one(settings):
        adapter_id = lineage.find(settings, lake, words)
        row = decisions.hold(lake, adapter_id, reason)
        _tell_mlflow(settings, adapter_id, row)
    click.echo(f"{served_name(adapter_id)} is held")
    served = lineage.deployed(lake)
    if served and served["adapter_id"] == adapter_id:
        click.echo("it is served still: `steppe rollback` takes it away", err=True)


def promote(settings: Settings, words: str, reason: str) -> None:
    """Serve an adapter; against the gate's word with a reason that is recorded."""
    lake = Lake(settings.home)
    with turn.only_one(settings):
        adapter_id = lineage.find(settings, lake, words)
        base = _base(settings)
        if adapter_id not in lineage.of_base(lake, base.base_id):
            raise DeploymentError(
                f"`{served_name(adapter_id)}` was trained for another base than `{base.name}`.",
                hint="set `base_model` to the one it was trained for",
            )
        if adapter_id == lineage.champion(lake, base.base_id):
            click.echo(f"{served_name(adapter_id)} is served already")
            return
        row = decisions.release(lake, adapter_id, reason)
        elected = lineage.elected(lake, base.base_id)
        if elected is None or elected["adapter_id"] != adapter_id:  # another one passed since
            row = decisions.renew(lake, adapter_id, reason)
        turn.serve_elected(settings)
        _tell_mlflow(settings, adapter_id, row)
    click.echo(f"{served_name(adapter_id)} is served, decided by {row['decided_by']}")


def rollback(settings: Settings, reason: str) -> None:
    """Serve the adapter before the champion again, and hold the champion: one step."""
    lake = Lake(settings.home)
    with turn.only_one(settings):
        base = _base(settings)
        reigning = lineage.champion(lake, base.base_id)
        before = decisions.roll_back(lake, base.base_id, reason)
        turn.serve_elected(settings)
        _tell_mlflow(settings, reigning, lineage.decisions(lake, reigning)[-1])
    now = served_name(before) if before else "the bare base"
    click.echo(f"{now} is served; {served_name(reigning)} is held")


def canary(settings: Settings, words: str, share: float, reason: str) -> str:
    """Try an adapter on a share of people, or end what is tried where no words name one."""
    lake = Lake(settings.home)
    with turn.only_one(settings):
        base = _base(settings)
        if not words:
            row = canaries.end(lake, settings, base, reason)
            return f"{row['served_name']} is tried on nobody any more"
        adapter_id = lineage.find(settings, lake, words)
        row = canaries.begin(lake, settings, base, adapter_id, share=share, reason=reason)
    return f"{row['served_name']} answers {share:.0%} of people"


def harness_commands(settings: Settings, folder: Path) -> list[str]:
    """Write the owner's suites as tasks into a folder; return the commands that run them."""
    suites = settings.home / "suites"
    tasks = harness.write_tasks(folder, exams.questions(suites), exams.choices(suites))
    if not tasks:
        raise DeploymentError(
            f"There are no questions in `{suites}`.",
            hint='put lines {"question": "...", "answer": "..."} into a .jsonl file there',
        )
    base = _base(settings)
    reigning = lineage.champion(Lake(settings.home), base.base_id)
    adapter = lineage.adapter_folder(settings, reigning) if reigning else None
    url = f"http://{settings.serving.host}:{settings.serving.port}"
    return harness.commands(folder, tasks, url=url, base=base.path, adapter=adapter)


def _lines(row: Row) -> list[str]:
    at = f"{row['decided_at']:%Y-%m-%d %H:%M} UTC"
    name = served_name(row["adapter_id"]) if row["adapter_id"] else "the bare base"
    word = "passed" if row["passed"] else "refused"
    if row["decided_by"] == lineage.PERSON:
        return [f"{at}  {name}  {word} by a person", *(f"  {r}" for r in row["reasons"]), ""]
    against = served_name(row["champion_id"]) if row["champion_id"] else "the bare base"
    rules = [
        f"  {'✓' if reason.startswith('held') else '✗'} {reason.partition(': ')[2]}"
        for reason in row["reasons"]
    ]
    spent = f"candidate {row['candidate']} since the coronation, may spend {row['alpha']:.2g}"
    policy = f"policy {row['policy_id'][:12]}, evaluation {row['evaluation_id'][:12]}"
    return [f"{at}  {name}  {word} against {against}", *rules, f"  {spent}; {policy}", ""]


def _base(settings: Settings) -> bases.BaseModel:
    base = bases.find_base(settings.base_model, settings.models_dir)
    if base is None:
        raise DeploymentError("There is no base yet.", hint="`steppe grow` makes it")
    return base


def _tell_mlflow(settings: Settings, adapter_id: str, row: Row) -> None:
    words = "; ".join(row["reasons"]) if row["decided_by"] == lineage.PERSON else "the gate's"
    registry_of(settings).log_verdict(adapter_id, {"verdict.standing": words})
