"""The notebook of `docs/notebooks` runs cell by cell, whether or not there is anything to show."""

import importlib.util
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lake import warehouse
from lake.ids import content_id
from lake.schemas import tables
from lake.tables import Lake, Provenance

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("marimo") is None, reason="the extra `notebook` is not installed"
)

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "dialogues.py"
DAY = date(2026, 1, 5)
PLOTS = ("when_plot", "dropped_plot", "budget_plot", "drift_plot")


def shown() -> dict[str, Any]:
    """Return what the cells of the notebook made, as plain values.

    Where marimo is loaded, transformers takes the process for a notebook and asks for IPython
    (`transformers.utils.is_in_notebook`), so the cells run in a process of their own.
    """
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned) as own_process:
        return own_process.submit(_run_cells).result()


def _run_cells() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("dialogues", NOTEBOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _, defined = module.app.run()
    if "ask" not in defined:
        return {}
    return {
        "drawn": [name for name in PLOTS if defined[name].axes],
        "topic_titles": [plot.axes[0].get_title() for plot in defined["topic_plots"]],
        "topics": defined["topics"].rows(),
    }


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

    cells = shown()

    assert list(PLOTS) == cells["drawn"]
    assert ["nexus"] == cells["topic_titles"]
    assert [("nexus", "лодка", 2, 0.0)] == cells["topics"]


def test_an_empty_warehouse_is_drawn_as_well(lake: Lake) -> None:
    warehouse.publish(lake)

    assert [] == shown()["topic_titles"]


def test_without_a_warehouse_it_stops_with_a_word() -> None:
    assert {} == shown()
