"""The notebook of `docs/notebooks` runs cell by cell, whether or not there is anything to show."""

import importlib.util
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lake import warehouse
from lake.ids import content_id
from lake.schemas import tables
from lake.tables import Lake, Provenance

pytest.importorskip("marimo", reason="the extra `notebook` is not installed")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "dialogues.py"
DAY = date(2026, 1, 5)
PLOTS = ("when_plot", "dropped_plot", "budget_plot", "drift_plot")


def notebook() -> ModuleType:
    """Return the notebook as a module."""
    spec = importlib.util.spec_from_file_location("dialogues", NOTEBOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(table: str, **columns: Any) -> dict[str, Any]:
    """Return a row of a table: what is not given is null."""
    names = [name for name in tables()[table].schema.names if name != "day"]
    return {name: columns.get(name) for name in names}


def filled(lake: Lake) -> None:
    """Write a day of two kept dialogues and a dropped one, and publish."""
    said = {"message_id": "", "created_at": datetime(2026, 1, 5, 9, tzinfo=UTC)}
    messages = [
        {**said, "role": "user", "content": "Где моя лодка?"},
        {**said, "role": "assistant", "content": "У озера."},
    ]
    kept = [
        row(
            "cleaned_dialogues",
            dialogue_id=content_id(name),
            revision=content_id(name),
            cluster_id=content_id(name),
            record_id=name,
            source="nexus",
            split="train",
            language="ru",
            messages=messages,
            turns=1,
            characters=22,
        )
        for name in ("a", "b")
    ]
    dropped = row("cleaned_dropped", record_id="c", grain="dialogue", rule="length", reason="short")
    for table, rows in (("cleaned_dialogues", kept), ("cleaned_dropped", [dropped])):
        lake.replace(table, rows, day=DAY, made_from="1" * 32, by=Provenance("test"))
    warehouse.publish(lake)


def test_every_cell_runs_and_every_plot_is_drawn(lake: Lake) -> None:
    filled(lake)

    _, defined = notebook().app.run()

    assert [True] * len(PLOTS) == [bool(defined[name].axes) for name in PLOTS]
    assert ["nexus"] == [plot.axes[0].get_title() for plot in defined["topic_plots"]]
    assert [("nexus", "лодка", 2, 0.0)] == defined["topics"].rows()


def test_an_empty_warehouse_is_drawn_as_well(lake: Lake) -> None:
    warehouse.publish(lake)

    _, defined = notebook().app.run()

    assert [] == defined["topic_plots"]


def test_without_a_warehouse_it_stops_with_a_word() -> None:
    _, defined = notebook().app.run()

    assert "ask" not in defined
