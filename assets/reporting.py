"""What an asset tells about itself: rows, version, a preview, and how far it has come."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from lake import schemas
from lake.spool import Spool
from lake.tables import Lake, Provenance

PREVIEW_ROWS = 5
PREVIEW_CHARACTERS = 120
UNCHANGED = "unchanged"
"""The metadata of a table that was not written, for it was already what its inputs make."""

Progress = Callable[[str, int, int], None]
_listeners: list[Progress] = []


def listen(listener: Progress) -> None:
    """Have `listener(stage, done, total)` called while assets of this process work."""
    _listeners.append(listener)


def forget(listener: Progress) -> None:
    """Stop calling a listener."""
    _listeners.remove(listener)


def progress(stage: str) -> Callable[[int, int], None]:
    """Return a function to call with (done, total) as a stage's work goes on."""

    def report(done: int, total: int) -> None:
        for listener in _listeners:
            listener(stage, done, total)

    return report


def provenance(context: dg.AssetExecutionContext, asset: str, code_version: str) -> Provenance:
    """Return who commits: asset, run and code version."""
    return Provenance(asset, context.run_id, code_version)


def materialized(
    table: str, rows: int, version: int, *, fingerprint: str = "", **extra: Any
) -> dg.MaterializeResult:
    """Return what to tell of one table: rows, version, columns, and whatever is given besides."""
    metadata: dict[str, Any] = {
        "dagster/row_count": rows,
        "delta_version": version,
        "dagster/column_schema": _columns(table),
        **extra,
    }
    data_version = dg.DataVersion(fingerprint) if fingerprint else None
    return dg.MaterializeResult(asset_key=table, metadata=metadata, data_version=data_version)


def as_it_is(lake: Lake, table: str, fingerprint: str, **told: Any) -> dg.MaterializeResult:
    """Return what to tell of a table that is already what its inputs make: nothing was written."""
    rows = lake.arrow(table).num_rows
    extra = {UNCHANGED: True, **told}
    return materialized(table, rows, lake.version(table), fingerprint=fingerprint, **extra)


@dataclass(frozen=True, slots=True)
class Destination:
    """One day of the tables an asset writes, all made from the same inputs."""

    lake: Lake
    day: date
    made_from: str
    by: Provenance

    def has(self, tables: Iterable[str]) -> bool:
        """Say whether the day of these tables is already what its inputs make."""
        return all(self.lake.is_made_from(table, self.day, self.made_from) for table in tables)

    def unchanged(self, table: str) -> dg.MaterializeResult:
        """Return what to tell of a table that stays as it is: the same data version, no commit."""
        rows, version = self.lake.count(table, self.day), self.lake.version(table)
        return materialized(table, rows, version, fingerprint=self.made_from, **{UNCHANGED: True})

    def replace(
        self, table: str, rows: Spool, *, shown: Sequence[str] = (), **extra: Any
    ) -> dg.MaterializeResult:
        """Replace the day of a table and return what to tell of it."""
        version = self.lake.replace(
            table, rows.tables(), day=self.day, made_from=self.made_from, by=self.by
        )
        if shown:
            extra["preview"] = preview(rows.preview(), shown)
        return materialized(table, rows.rows, version, fingerprint=self.made_from, **extra)


def preview(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dg.MetadataValue:
    """Return the first rows as a Markdown table, long texts cut."""
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    body = "\n".join(
        f"| {' | '.join(_cell(row[c]) for c in columns)} |" for row in rows[:PREVIEW_ROWS]
    )
    return dg.MetadataValue.md(head + body)


def day_of(context: dg.AssetExecutionContext) -> date:
    """Return the day that is being materialized."""
    return date.fromisoformat(context.partition_key)


def _columns(table: str) -> dg.TableSchema:
    schema = schemas.tables()[table].schema
    return dg.TableSchema([dg.TableColumn(field.name, str(field.type)) for field in schema])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        value = " / ".join(
            str(v.get("content", v)) if isinstance(v, dict) else str(v) for v in value
        )
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"
