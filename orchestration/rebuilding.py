"""`steppe rebuild`: an adapter made again from what it was made from, and what came of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from assets import lineage, rebuilding
from lake.errors import TrainingFailed
from lake.settings import Settings
from lake.tables import Lake
from models.adapters import served_name


def rebuild(settings: Settings, words: str, *, verify: bool) -> None:
    """Rebuild an adapter and print how it compares; put its files back where they are lost.

    `verify` leaves the home as it is, and raises `TrainingFailed` where another adapter came out.
    """
    lake = Lake(settings.home)
    adapter_id = lineage.find(settings, lake, words)
    settings.models_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".rebuilding-", dir=settings.models_dir) as folder:
        made = rebuilding.rebuild(settings, lake, adapter_id, Path(folder), _say)
        restored = not verify and rebuilding.restore(settings, made)
    click.echo(f"{served_name(adapter_id)} rebuilt in {made.seconds:.0f} s: {_verdict(made)}")
    for line in made.differences:
        click.echo(f"  {line}")
    if restored:
        click.echo("its files were lost or damaged and are back")
    if verify and not made.same:
        raise TrainingFailed("Another adapter came out.", hint=_hint(made))


def _say(words: str) -> None:
    click.echo(words, err=True)


def _verdict(made: rebuilding.Rebuilt) -> str:
    if made.compared == "bytes":
        return "the same bytes" if made.same else f"other bytes, {served_name(made.rebuilt_id)}"
    within = f"{rebuilding.TOLERANCE:.0%}"
    return f"losses within {within}" if made.same else f"losses further apart than {within}"


def _hint(made: rebuilding.Rebuilt) -> str:
    if any(", now " in line for line in made.differences):
        return "install the versions named above, on a processor with the same features"
    return "nothing in the lock differs: please report it, with the lines above"
