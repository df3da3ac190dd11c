"""DuckDB over the lake: views on exactly the files of each table, then staging and marts.

A connection made here is for reading: it sees the lake's own folders and nothing else of the
file system or the network, and its configuration is locked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sql
from lake import schemas
from lake.errors import SteppeError, TableNotFound

if TYPE_CHECKING:
    import duckdb

    from lake.tables import Lake


def connect(lake: Lake, *, locked: bool = True) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection with every table, staging view and mart as a view.

    `locked` forbids reading or writing any file outside the lake's folder, loading extensions,
    and changing either again.
    """
    import duckdb

    connection = duckdb.connect()
    define(connection, lake)
    if locked:
        connection.execute(f"set allowed_directories = ['{quoted(lake.root)}/']")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    return connection


def define(connection: duckdb.DuckDBPyConnection, lake: Lake, *, schema: str = "main") -> None:
    """Create the views of tables, then of `sql/staging`, then of `sql/marts`, in a schema."""
    for name in schemas.tables():
        connection.execute(f"create or replace view {schema}.{name} as {_select(lake, name)}")
    for folder in ("staging", "marts"):
        for name in sql.names(folder):
            body = sql.read(f"{folder}/{name}")
            connection.execute(f"create or replace view {schema}.{name} as {body}")


def ask(lake: Lake, question: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
    """Run one query over the lake and return its rows; the error of a bad query has a hint."""
    import duckdb

    with connect(lake) as connection:
        try:
            _refuse_writing(connection, question)
            found = connection.sql(question, params=parameters)
            return found.to_arrow_table().to_pylist() if found is not None else []
        except duckdb.Error as error:
            raise SteppeError(
                f"The query failed: {error}", hint="`steppe show tables` lists what can be asked"
            ) from None


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


def _select(lake: Lake, table: str) -> str:
    files = lake.files(table)
    if not files:
        return _nothing(table)
    listed = ", ".join(f"'{quoted(f)}'" for f in files)
    have = lake.columns(table)
    columns = ", ".join(
        f'"{f.name}"' if f.name in have else f'null::{duckdb_type(f.type)} as "{f.name}"'
        for f in schemas.tables()[table].schema
    )
    return (
        f"select {columns} from read_parquet([{listed}], hive_partitioning = true, "  # noqa: S608
        "hive_types = {'day': DATE}, union_by_name = true)"
    )


def _nothing(table: str) -> str:
    """Return a query with the table's columns and no rows: a lake answers before it has data."""
    columns = (f'null::{duckdb_type(f.type)} as "{f.name}"' for f in schemas.tables()[table].schema)
    return f"select {', '.join(columns)} where false"


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
