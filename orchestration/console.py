"""What a person sees in the terminal: progress while it works, and the summary after it.

Everything here goes to standard error, so that standard output carries data alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from assets import STAGES, reporting
from orchestration import loggers

if TYPE_CHECKING:
    from orchestration.summary import Summary

STDERR = Console(stderr=True, highlight=False)
STEP_WORDS = {
    "base_model": "growing the base model",
    "raw": "raw: reading files",
    "cleaned": "cleaned: applying the rules",
    "embeddings_messages": "embeddings: encoding turns",
    "embeddings_duplicates": "embeddings: who repeats whom",
    "self_chats": "self_chats: the model talks with itself",
    "adapters_training_sets": "adapters: freezing the training set",
    "adapters_versions": "adapters: training with QLoRA",
    "evaluations": "evaluations: champion and challenger, side by side",
    "deployments_history": "deployments: switching what is served",
}
STAGE_STEPS = {
    "base": "base_model",
    "embeddings": "embeddings_messages",
    "self_chats": "self_chats",
    "adapters": "adapters_versions",
    "evaluations": "evaluations",
}


@contextmanager
def watching() -> Iterator[None]:
    """Show each step of the runs in this process: a bar where it is known how much is left."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=STDERR, transient=False) as bars:
        display = _Display(bars)
        loggers.listen(display.on_step)
        reporting.listen(display.on_progress)
        try:
            yield
        finally:
            loggers.forget(display.on_step)
            reporting.forget(display.on_progress)


class _Display:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def on_step(self, step: str, event: str) -> None:
        if step not in STEP_WORDS:
            return
        if event == "STEP_START":
            self._tasks[step] = self._bars.add_task(STEP_WORDS[step], total=None)
        elif step in self._tasks and event in {"STEP_SUCCESS", "STEP_FAILURE"}:
            task = self._tasks[step]
            done = event == "STEP_SUCCESS"
            mark = "[green]✓[/]" if done else "[red]✗[/]"
            self._bars.update(task, description=f"{mark} {STEP_WORDS[step]}", total=1, completed=1)
            self._bars.stop_task(task)

    def on_progress(self, stage: str, done: int, total: int) -> None:
        step = STAGE_STEPS.get(stage, stage)
        if step in self._tasks:
            self._bars.update(self._tasks[step], completed=done, total=total)


def print_table(rows: Sequence[Mapping[str, Any]], *, title: str = "") -> None:
    """Print rows as a table on standard output, columns as they come."""
    table = Table(title=title or None, header_style="bold", title_justify="left")
    for name in rows[0] if rows else ["nothing yet"]:
        table.add_column(str(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row.values()))
    Console(highlight=False).print(table)


def cell(value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "\n".join(str(v) for v in value)
    return str(value)


def print_summary(summary: Summary) -> None:
    """Print what a turn of the loop made: counts, adapter, numbers, verdict, before and after."""
    STDERR.print()
    _print_funnel(summary)
    STDERR.print(f"[bold]base[/]      {summary.base_line}")
    STDERR.print(f"[bold]adapter[/]   {summary.adapter_line}")
    for line in summary.score_lines:
        STDERR.print(f"          {line}")
    STDERR.print(f"[bold]gate[/]      {summary.verdict_line}")
    for reason in summary.reasons:
        colour = "green" if reason.startswith("held") else "red"
        STDERR.print(f"          [{colour}]{reason}[/]")
    STDERR.print(f"[bold]served[/]    {summary.served_line}")
    for asked, before, after in summary.examples:
        STDERR.print(f"\n  [bold]{escape(asked)}[/]")
        STDERR.print(f"    before  [dim]{escape(before)}[/]")
        STDERR.print(f"    after   [green]{escape(after)}[/]")
    _print_seconds(summary.seconds)
    STDERR.print(
        "\n[bold]next[/]  steppe chat · steppe ui · "
        'steppe sql "from cleaning_funnel" · steppe ingest PATH'
    )


def _print_funnel(summary: Summary) -> None:
    table = Table(title="what became of everything that came in", title_justify="left")
    for name, justify in (
        ("stage", "left"),
        ("fate", "left"),
        ("why", "left"),
        ("records", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    order = {stage: n for n, stage in enumerate(STAGES)}
    for row in sorted(summary.funnel, key=lambda r: order[r["stage"]]):
        table.add_row(row["stage"], row["fate"], Text(row["reason"]), f"{row['records']:,}")
    STDERR.print(table)


def _print_seconds(seconds: Mapping[str, float]) -> None:
    parts = [f"{name} {spent:.1f}" for name, spent in seconds.items()]
    if parts:
        STDERR.print(f"\n[dim]seconds: {' · '.join(parts)}[/]")
