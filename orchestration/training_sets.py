"""`steppe training-set list`, `show`, `diff`: what taught an adapter, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from assets import manifests, set_diffs, set_pages
from assets.manifests import COUNTED, Manifest
from lake.settings import Settings
from lake.tables import Lake
from orchestration.answers import json_lines
from orchestration.console import print_table

SHORT = 12
"""Digits of an id that fit a table."""


def show_all(settings: Settings, *, as_json: bool) -> None:
    """Print every training set in a line, newest first."""
    found = manifests.listed(Lake(settings.home))
    if as_json:
        click.echo(json_lines(found), nl=False)
        return
    print_table([_short(row) for row in found])


def show(settings: Settings, words: str, *, samples: int, as_json: bool) -> None:
    """Print one training set: its recipe, its rows and tokens, its budget, what it left out."""
    manifest = manifests.read(Lake(settings.home), words)
    if as_json:
        click.echo(json_lines([summary(manifest, samples)]), nl=False)
        return
    click.echo(_headline(manifest))
    for name in COUNTED:
        _titled(f"by {name}", manifest.counts(name))
    _titled("budget", set_pages.budget_rows(manifest))
    _titled("left out", manifest.reasons())
    for row in manifest.samples(samples):
        told = f"{row['role']}, {row['source']}, told {row['weight']:g} times"
        click.echo("\n".join([f"\n{told}", *_said(row)]))


def show_difference(settings: Settings, a: str, b: str, *, as_json: bool) -> None:
    """Print how training set B differs from A."""
    lake = Lake(settings.home)
    ours, theirs = manifests.read(lake, a), manifests.read(lake, b)
    found = set_diffs.diff(ours, theirs)
    if as_json:
        changes = ({"change": "recipe", **change} for change in found.recipe)
        click.echo(json_lines([*found.rows(), *changes]), nl=False)
        return
    click.echo(f"A {ours.training_set_id}\nB {theirs.training_set_id}")
    click.echo(f"{found.same} rows are in both, told as often")
    _titled("rows", found.counts())
    _titled("recipe", found.recipe)


def summary(manifest: Manifest, samples: int) -> dict[str, Any]:
    """Return everything that `show` tells, for a program."""
    return {
        "training_set_id": manifest.training_set_id,
        "adapter_id": manifest.adapter_id,
        "frozen_at": manifest.frozen_at,
        "table_versions": manifest.versions,
        "recipe": manifest.recipe,
        **{f"by_{name}": manifest.counts(name) for name in COUNTED},
        "budget": set_pages.budget_rows(manifest),
        "left_out": manifest.reasons(),
        "samples": [
            {"role": row["role"], "source": row["source"], "said": _said(row)}
            for row in manifest.samples(samples)
        ],
    }


def _headline(manifest: Manifest) -> str:
    made = f"adapter {manifest.adapter_id}" if manifest.adapter_id else "no adapter yet"
    recipe = manifest.recipe
    named = f"recipe {recipe['name']} ({recipe['method']})" if recipe else "recipe unknown"
    return (
        f"{manifest.training_set_id}\n{named}, {made}, "
        f"frozen {manifest.frozen_at:%Y-%m-%d %H:%M} UTC"
    )


def _titled(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    if listed := list(rows):
        click.echo(f"\n{title}")
        print_table(listed)


def _said(row: Mapping[str, Any]) -> list[str]:
    said = [(m["role"], m["content"]) for m in row["messages"]]
    answers = [(name, row[name]) for name in ("chosen", "rejected") if row[name]]
    return [f"  {who}: {' '.join(text.split())}" for who, text in [*said, *answers]]


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line that fits a terminal; `--json` has whole ids."""
    return {
        "training_set": row["training_set_id"][:SHORT],
        "adapter": (row["adapter_id"] or "")[:SHORT],
        "rows": row["rows"],
        "new": row["new"],
        "tokens_told": round(row["tokens_told"] or 0),
        "frozen": f"{row['frozen_at']:%Y-%m-%d %H:%M}",
    }
