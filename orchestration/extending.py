"""`steppe base extend`: a base with more tokens, from text files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lake.errors import DataError
from lake.settings import Settings
from models.vocabulary import Extended, extend
from orchestration import turn

MEASURED = 10
"""Of so many lines one is kept from the new tokens, and only counted in."""


def extend_base(settings: Settings, files: Sequence[Path], *, size: int, folder: Path) -> None:
    """Make the base, and print its id and what a word costs in it before and after."""
    lines = [line for file in files for line in _lines(file)]
    held_out, texts = lines[::MEASURED], [t for n, t in enumerate(lines) if n % MEASURED]
    base = turn.grow_base(settings)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"`{folder}` cannot be made: {error}.", hint="name a folder of your own in --out"
        ) from error
    _show(extend(base, texts, held_out, size=size, folder=folder))


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(
            f"`{file}` cannot be read as UTF-8 text: {error}.", hint="give plain text files"
        ) from error
    return [line for line in text.splitlines() if line.strip()]


def _show(made: Extended) -> None:
    click.echo(f"{made.base.base_id}\n{made.base.path}\n{made.added} new tokens")
    for when, costs in (("before", made.before), ("after", made.after)):
        click.echo(
            f"{when}: {costs.tokens_per_word:.2f} tokens a word, "
            f"{costs.tokens_per_character:.3f} a character, on lines it was not made from"
        )
