"""An answer of the lake, as a table for a person or as JSON lines, CSV or Parquet for a program.

Data goes to standard output or to a file; how much there is and how long it took, to standard
error.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lake.errors import SettingsError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 1000  # of a table: a longer one is not read, and takes seconds to lay out
UNBOUNDED = 100_000  # columns of a console that is no terminal: there nothing is cut
DIGITS = 6  # of a fraction; counts, ids and dates are shown whole


def give(answer: pa.Table, shape: str, out: Path | None = None) -> None:
    """Print an answer as `table`, `json`, `csv` or `parquet`, or write it to a file.

    `SettingsError` for Parquet in a terminal, and for a table, which is cut, in a file.
    """
    if shape == "table" and out is None:
        print_table(answer)
    elif shape == "table":
        raise SettingsError("A table is for eyes.", hint="add `--format csv`, json or parquet")
    elif shape == "parquet" and out is None and sys.stdout.isatty():
        raise SettingsError("Parquet is not for a terminal.", hint="add `--out FILE`, or a pipe")
    else:
        _put(_made(answer, shape), out)


def print_table(answer: pa.Table) -> None:
    """Print an answer as a table: numbers to the right, one line a row, wide text cut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=UNBOUNDED)
    console.print(_table(answer))
    if answer.num_rows > SHOWN_ROWS:
        words = f"the first {SHOWN_ROWS:,} of {answer.num_rows:,} rows; `--format csv` has all"
        click.echo(words, err=True)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return one JSON object a line; decimals are numbers, dates and the like are text."""
    return "".join(f"{_json(row)}\n" for row in rows)


def _table(answer: pa.Table) -> Table:
    table = Table(header_style="bold")
    for field in answer.schema:
        side: Literal["left", "right"] = "right" if _is_number(field.type) else "left"
        table.add_column(field.name, justify=side, no_wrap=True, overflow="ellipsis")
    for row in answer.slice(0, SHOWN_ROWS).to_pylist():
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> Text:
    """Return a value on one line: nothing as `null`, fractions short, lists and structs as JSON."""
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, float):
        return Text(f"{value:.{DIGITS}g}")
    text = _json(value) if isinstance(value, list | dict) else str(value)
    return Text(" ".join(text.split()))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _made(answer: pa.Table, shape: str) -> bytes:
    if shape == "json":
        return json_lines(answer.to_pylist()).encode()
    return _csv_bytes(answer) if shape == "csv" else _parquet_bytes(answer)


def _csv_bytes(answer: pa.Table) -> bytes:
    """Return a header and the rows: nothing as an empty field, lists and structs as JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answer.column_names)
    for row in answer.to_pylist():
        writer.writerow(_json(v) if isinstance(v, list | dict) else v for v in row.values())
    return text.getvalue().encode()


def _parquet_bytes(answer: pa.Table) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(answer, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _put(data: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(data, nl=False)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise SettingsError(
            f"`{out}` cannot be written: {error.strerror}.", hint="give `--out` another path"
        ) from None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
