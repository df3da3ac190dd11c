"""`warehouse.duckdb`: the lake as one file that any DuckDB client opens while Steppe works.

Views over explicit file lists (Delta without an extension), small marts as tables, and
`meta.tables` with the version each view shows.  It is written beside and renamed into place, so a
reader sees the old one or the new one; the storage version is one that DuckDB 1.x reads.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sql
from lake import query, schemas

if TYPE_CHECKING:
    from lake.tables import Lake

STORAGE_VERSION = "v1.0.0"  # what duckdb-cli 1.5 opens; 2.0's own default it refuses


def path_of(lake: Lake) -> Path:
    """Return where the warehouse lies."""
    return lake.home / "warehouse.duckdb"


def versions(lake: Lake) -> dict[str, int]:
    """Return the version of each table that was published last; none without a warehouse."""
    import duckdb

    if not path_of(lake).is_file():
        return {}
    try:
        with duckdb.connect(str(path_of(lake)), read_only=True) as connection:
            found = connection.sql("select name, delta_version from meta.tables").fetchall()
    except duckdb.Error:  # an older one without it, or no warehouse at all
        return {}
    return dict(found)


def publish(lake: Lake) -> Path:
    """Write the warehouse anew and put it in place of the old one."""
    import duckdb

    final = path_of(lake)
    draft = final.with_name(f".warehouse-{secrets.token_hex(4)}.duckdb")
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        with duckdb.connect() as connection:
            connection.execute(
                f"attach '{query.quoted(draft)}' as w (storage_version '{STORAGE_VERSION}')"
            )
            connection.execute("use w")
            query.define(connection, lake)
            for name in sql.names("marts"):
                connection.execute(f"create table meta.draft as from {name}")
                connection.execute(f"drop view {name}")
                connection.execute(f"create table {name} as from meta.draft")
                connection.execute("drop table meta.draft")
            connection.execute(
                "create table meta.tables (name varchar, delta_version bigint, grain varchar, "
                "published_at timestamptz)"
            )
            now = datetime.now(UTC)
            connection.executemany(
                "insert into meta.tables values (?, ?, ?, ?)",
                [(t.name, lake.version(t.name), t.grain, now) for t in schemas.tables().values()],
            )
            connection.execute("use memory")
            connection.execute("detach w")
        draft.replace(final)
    finally:
        draft.unlink(missing_ok=True)
        draft.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    return final
