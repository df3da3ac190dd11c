"""DuckDB over the lake: views on exactly the files of each table, then staging and marts.

A connection made here is for reading: it sees the lake's own folders and nothing else of the
file system or the network, and its configuration is locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sql
from lake import schemas
from lake.errors import SteppeError, TableNotFound
from lake.tables import reading

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from lake.tables import Lake, Partition

Parameters = list[Any] | dict[str, Any] | None


def connect(
    lake: Lake, *, locked: bool = True, explore: bool = False, originals: bool = False
) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection with every table, staging view and mart as a view.

    `locked` forbids reading or writing any file outside the lake's folder, loading extensions,
    and changing either again; `explore` and `originals` as in `define`.
    """
    import duckdb

    connection = duckdb.connect()
    define(connection, lake, explore=explore, originals=originals)
    if locked:
        connection.execute(f"set allowed_directories = ['{quoted(lake.root)}/']")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    return connection


def define(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    *,
    explore: bool = True,
    originals: bool = False,
) -> None:
    """Create `meta.partitions`, and the views of tables, of `sql/staging` and of `sql/marts`.

    `explore` adds `sql/explore` as a schema of that name: on a lake of years each view costs
    milliseconds to define, so only people pay for it.  `originals` shows the columns that hold
    words as they came (`lake.schemas.Table.originals`); they are left out by default.
    Raise `CorruptTable` where a file of a table is lost or cut: what asks would miss its rows.
    """
    connection.execute("set parquet_metadata_cache = true")  # a file of a Delta table never changes
    partitions = _partitions(lake)
    _keep(connection, partitions)
    for name, parts in partitions.items():
        body = _select(lake, name, parts, originals=originals)
        with reading(f"Table `{name}`"):
            connection.execute(f"create view {name} as {body}")
    for folder in ("staging", "marts"):
        for name in sql.names(folder):
            connection.execute(f"create view {name} as {sql.read(f'{folder}/{name}')}")
    if explore:
        connection.execute("create schema explore")
        for name in sql.names("explore"):
            connection.execute(f"create view explore.{name} as {sql.read(f'explore/{name}')}")


def ask(lake: Lake, question: str, parameters: Parameters = None) -> list[dict[str, Any]]:
    """Run one query over the lake and return its rows; the error of a bad query has a hint."""
    with connect(lake) as connection:
        return run(connection, question, parameters).to_pylist()


def run(
    connection: duckdb.DuckDBPyConnection, question: str, parameters: Parameters = None
) -> pa.Table:
    """Return the answer of a query as Arrow; anything but a question, or a bad one, is an error."""
    import duckdb
    import pyarrow as pa

    try:
        _refuse_writing(connection, question)
        with reading("The lake"):
            found = connection.sql(question, params=parameters)
            return found.to_arrow_table() if found is not None else pa.table({})
    except duckdb.Error as error:
        raise SteppeError(f"The query failed: {error}", hint=_hint(str(error))) from None
    except RuntimeError as error:  # duckdb 2.0 has no class of its own for Ctrl-C
        if "interrupted" in str(error):
            raise KeyboardInterrupt from None
        raise


def _hint(failure: str) -> str:
    left_out = {name for table in schemas.tables().values() for name in table.originals}
    if any(f'"{name}" not found' in failure for name in left_out):
        return "words as they came are left out of raw tables: `steppe sql --raw` shows them"
    return "`steppe show tables` and `steppe query` list what can be asked"


def _refuse_writing(connection: duckdb.DuckDBPyConnection, question: str) -> None:
    """Raise for anything but questions: `copy` and `attach` could write inside the lake."""
    import duckdb

    asking = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
    for statement in connection.extract_statements(question):
        if statement.type not in asking:
            raise SteppeError(
                f"`{statement.type.name}` is no question: the lake is read here, never written.",
                hint="start with `select`, `from`, `with`, `describe` or `explain`",
            )


def offending(lake: Lake, check: str) -> list[dict[str, Any]]:
    """Return the rows a check in `sql/checks` objects to: none means that it passes."""
    if check not in sql.names("checks"):
        raise TableNotFound(f"There is no check `{check}`.", hint="see `sql/checks/`")
    return ask(lake, sql.read(f"checks/{check}"))


def _partitions(lake: Lake) -> dict[str, list[Partition]]:
    """Return the partitions of each table, those without rows too where a table before has any."""
    found: dict[str, list[Partition]] = {}
    days: set[date] = set()
    for name in schemas.tables():
        found[name] = lake.partitions(name, sorted(days))
        days |= {p.day for p in found[name]}
    return found


def _keep(
    connection: duckdb.DuckDBPyConnection, partitions: Mapping[str, Sequence[Partition]]
) -> None:
    """Write `meta.partitions`: one row per table and day that was committed."""
    import pyarrow as pa

    listed = [(name, p) for name, parts in partitions.items() for p in parts]
    columns = {
        "table_name": pa.array([name for name, _ in listed], pa.string()),
        "day": pa.array([p.day for _, p in listed], pa.date32()),
        "rows": pa.array([p.rows for _, p in listed], pa.int64()),
        "bytes": pa.array([p.size for _, p in listed], pa.int64()),
        "written_at": pa.array([p.written_at for _, p in listed], pa.timestamp("us", tz="UTC")),
    }
    connection.register("given", pa.table(columns))
    connection.execute("create schema meta")
    connection.execute("create table meta.partitions as from given")
    connection.unregister("given")


def _select(lake: Lake, table: str, parts: Sequence[Partition], *, originals: bool) -> str:
    """Return the query that is the table: its columns over the files of its newest version."""
    contract = schemas.tables()[table]
    left_out = () if originals else contract.originals
    fields = [f for f in contract.schema if f.name not in left_out]
    files = ", ".join(f"'{quoted(f)}'" for part in parts for f in part.files)
    have = lake.columns(table) if files else set()
    columns = ", ".join(
        f'"{f.name}"' if f.name in have else f'null::{duckdb_type(f.type)} as "{f.name}"'
        for f in fields
    )
    if not files:  # a lake answers before it has data
        return f"select {columns} where false"
    return (
        f"select {columns} from read_parquet([{files}], hive_partitioning = true, "  # noqa: S608
        "hive_types = {'day': DATE}, union_by_name = true)"
    )


def duckdb_type(kind: Any) -> str:
    """Return DuckDB's name of an Arrow type that our tables use."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return f"{duckdb_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"struct({', '.join(f'{f.name} {duckdb_type(f.type)}' for f in kind)})"
    return {
        "string": "varchar",
        "binary": "blob",
        "date32[day]": "date",
        "int64": "bigint",
        "double": "double",
        "bool": "boolean",
        "timestamp[us, tz=UTC]": "timestamptz",
    }[str(kind)]


def quoted(path: Path | str) -> str:
    """Return a path as it stands between single quotes in SQL."""
    return str(path).replace("'", "''")
