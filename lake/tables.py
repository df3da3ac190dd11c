"""Delta tables behind a few verbs: `rows`, `arrow`, `batches`, `replace`, `append`, `made_from`.

What holds, and where it is tested (`tests/lake/test_tables.py`, `tests/crash`):

- **A commit is whole or absent**, also after `kill -9`; afterwards its files are flushed to disk
  (delta-rs itself never calls fsync).
- **A day is replaced, never patched**: `replace(table, rows, day=...)` swaps the partition in one
  commit, so running a day again is idempotent.
- **Nothing is cast silently**: rows must have exactly the table's columns and types.
- **No words in the log**: statistics, which Delta writes in clear, are kept for ids and numbers
  only (`lake.schemas.Table.statistics`).
- **Every commit says where it came from**: run, asset, partition and code version in its
  metadata, and the fingerprint of its inputs as a Delta transaction identifier, in the same
  atomic commit.  `made_from` reads it back: equal fingerprints mean there is nothing to do.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake import schemas
from lake.errors import CommitConflict, CorruptTable, SchemaError, TableNotFound

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

COMMIT_ATTEMPTS = 8
ROWS_AT_ONCE = 2048  # decoded in one go; long dialogues have tens of kilobytes
SORTING_MEMORY = "1GB"
BATCH_ROWS = 50_000
BATCH_BYTES = 64 << 20
LOG_DIGITS = 20  # Delta names its log files with twenty digits
LOGGED = re.compile(rf"\d{{{LOG_DIGITS}}}\.(json|checkpoint.*\.parquet)")
PARQUET_MAGIC = b"PAR1"  # the first and the last four bytes (parquet.apache.org, File Format)
LOST_HINT = "`steppe doctor` names every lost or cut file: put them back from a copy of the home"
FINGERPRINT_HEX_DIGITS = 15  # 60 bits: fits the signed 64 of a transaction's version


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who commits: kept in the commit's metadata, read back by `Lake.history`."""

    asset: str
    run_id: str = ""
    code_version: str = ""


@dataclass(frozen=True, slots=True)
class Partition:
    """A day of a table: its Parquet files, their rows and bytes, and when they were written.

    A day that was committed without any row has no files and no `written_at`.
    """

    day: date
    files: tuple[str, ...]
    rows: int
    size: int
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables under one home.  Cheap to make; holds no connection and no lock."""

    home: Path

    @property
    def root(self) -> Path:
        """The folder with one Delta table a name."""
        return self.home / "lake"

    def path(self, table: str) -> Path:
        """Return a table's folder; `TableNotFound` for a name that is not in the schema."""
        _contract(table)
        return self.root / table

    def exists(self, table: str) -> bool:
        """Say whether anything was ever committed to the table; its log may have lost the start."""
        return _log_file(self.path(table), 0).exists() or any(
            LOGGED.fullmatch(entry.name) for entry in _entries(self.path(table) / "_delta_log")
        )

    def version(self, table: str) -> int:
        """Return the table's newest version, -1 if there is none."""
        return self._open(table).version() if self.exists(table) else -1

    def files(self, table: str, *, version: int | None = None) -> list[str]:
        """Return the Parquet files that are the table: what DuckDB views are made of."""
        if not self.exists(table):
            return []
        return sorted(self._open(table, version=version).file_uris())

    def arrow(
        self, table: str, *, where: str = "", columns: str = "*", version: int | None = None
    ) -> pa.Table:
        """Return rows as Arrow, ordered by day and key; `where` and `columns` are SQL.

        Raise `CorruptTable` where a file of the table is lost or cut, as all that reads does.
        """
        import duckdb

        contract, files = _contract(table), self.files(table, version=version)
        if not files:
            return contract.schema.empty_table() if columns == "*" else _empty(contract, columns)
        order = ", ".join(["day", *contract.key])
        query = (
            f"select {columns} from read_parquet(?, hive_partitioning=true, "  # noqa: S608
            "hive_types={'day': DATE}, union_by_name=true) "
            f"{'where ' + where if where else ''} order by {order}"
        )
        with reading(f"Table `{table}`"), duckdb.connect() as connection:
            found = connection.sql(query, params=[files]).to_arrow_table()
        return _whole(found, contract) if columns == "*" else found

    def batches(
        self,
        table: str,
        *,
        days: Callable[[date], bool],
        columns: Sequence[str],
        order: str = "",
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows of some days a batch at a time; memory holds one batch, whatever the table.

        `order` is the column they come ordered by: delta-rs writes the batches of one commit in
        parallel, so the order of a file is nobody's.  Sorting spills to disk where it must.
        """
        if not self.exists(table):
            return
        folder = self.path(table)
        files = [str(folder / _unquote(a["path"])) for a in self._adds(table, days)]
        if files:
            with reading(f"Table `{table}`"):
                yield from _sorted(files, columns, order) if order else _as_they_lie(files, columns)

    def _adds(self, table: str, days: Callable[[date], bool]) -> list[dict[str, Any]]:
        """Return the log's entries of the files that are these days."""
        return [a for a in _actions(self._open(table)) if days(a["partition.day"])]

    def columns(self, table: str) -> set[str]:
        """Return the columns the table has on disk: an older home may lack some of today's."""
        return {field.name for field in self._open(table).schema().fields}

    def rows(
        self, table: str, *, where: str = "", columns: str = "*", version: int | None = None
    ) -> list[dict[str, Any]]:
        """Return rows as dictionaries, ordered by day and key."""
        return self.arrow(table, where=where, columns=columns, version=version).to_pylist()

    def days(self, table: str) -> list[date]:
        """Return the days that have rows, oldest first."""
        return sorted(self.arrow(table, columns="day").column("day").unique().to_pylist())

    def count(self, table: str, day: date) -> int:
        """Return how many rows a day has, from the log alone."""
        if not self.exists(table):
            return 0
        return sum(a["num_records"] for a in self._adds(table, lambda d: d == day))

    def partitions(self, table: str, days: Iterable[date] = ()) -> list[Partition]:
        """Return the days that have rows, and of `days` those that were committed without any."""
        if not self.exists(table):
            return []
        opened, found = self._open(table), defaultdict(list)
        for added in _actions(opened):
            found[added["partition.day"]].append(added)
        empty = {d for d in days if d not in found and _made_from(opened, d) is not None}
        folder = self.path(table)
        return [_partition(folder, d, found.get(d, ())) for d in sorted({*found, *empty})]

    def replace(
        self,
        table: str,
        rows: Iterable[Mapping[str, Any]] | pa.Table | Iterator[pa.Table],
        *,
        day: date,
        made_from: str,
        by: Provenance,
    ) -> int:
        """Swap one day of a table for these rows in one commit; return the new version.

        An iterator of Arrow tables is written as it comes, without a whole day in memory; if it
        raises, nothing is committed.
        """
        data = _fit(_contract(table), rows, day=day)
        self._commit(
            table,
            data,
            mode="overwrite",
            predicate=f"day = DATE '{day}'",
            transactions={_transaction(str(day)): made_from},
            by=by,
        )
        return self.version(table)

    def append(
        self,
        table: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        day: date,
        by: Provenance,
    ) -> int:
        """Add the rows whose key is not there yet; return how many were added.

        Twice the same call leaves the same table, so a step that is run again after a crash
        between its commits neither loses nor doubles a row.
        """
        contract = _contract(table)
        known = (
            {tuple(row.values()) for row in self.rows(table, columns=", ".join(contract.key))}
            if self.exists(table)
            else set()
        )
        new = [r for r in rows if tuple(r[name] for name in contract.key) not in known]
        if new:
            self._commit(
                table,
                _fit(contract, new, day=day),
                mode="append",
                predicate=None,
                transactions={},
                by=by,
            )
        return len(new)

    def delete(self, table: str, *, where: str, by: Provenance) -> int:
        """Delete the rows that an SQL predicate names, in one commit; return how many there were.

        Older versions still hold them until `vacuum`.  What a day was made from stays as it was.
        """
        from deltalake import CommitProperties

        if not self.exists(table) or not self.rows(table, columns="1", where=where):
            return 0
        who = {"asset": by.asset, "run_id": by.run_id, "code_version": by.code_version}
        properties = CommitProperties(custom_metadata=who)
        done = self._open(table).delete(where, commit_properties=properties)
        _make_durable(self.path(table), self.version(table))
        return int(done["num_deleted_rows"])

    def made_from(self, table: str, partition: date | str) -> int | None:
        """Return the fingerprint of what a partition was made from, None if it never was."""
        if not self.exists(table):
            return None
        return _made_from(self._open(table), partition)

    def is_made_from(self, table: str, partition: date | str, fingerprint: str) -> bool:
        """Say whether a partition is already what these inputs make."""
        return self.made_from(table, partition) == _as_version(fingerprint)

    def history(self, table: str) -> list[dict[str, Any]]:
        """Return the table's commits, newest first, with our metadata."""
        return self._open(table).history() if self.exists(table) else []

    def verify(self, table: str) -> list[str]:
        """Return the files that the log names and the disk lacks or holds cut short.

        Raise `CorruptTable` where the log itself is harmed.
        """
        import pyarrow as pa

        if not self.exists(table):
            return []
        self._verify_log(table)
        actions = pa.table(self._open(table).get_add_actions(flatten=True))
        named = zip(
            actions.column("path").to_pylist(),
            actions.column("size_bytes").to_pylist(),
            strict=True,
        )
        return [p for p, size in named if not _is_whole(self.path(table) / _unquote(p), size)]

    def _verify_log(self, table: str) -> None:
        """Raise where a commit is lost or is an empty file, which delta-rs passes over.

        A log begins at version 0, or after a checkpoint that holds what was before.
        """
        logged = [e for e in _entries(self.path(table) / "_delta_log") if LOGGED.fullmatch(e.name)]
        empty = [entry.name for entry in logged if not entry.stat().st_size]
        commits = {int(e.name[:LOG_DIGITS]) for e in logged if e.name.endswith(".json")}
        held = max((int(e.name[:LOG_DIGITS]) for e in logged if "checkpoint" in e.name), default=-1)
        lost = set(range(held + 1, max(commits, default=held) + 1)) - commits
        if empty or lost:
            words = f"an empty file, `{empty[0]}`" if empty else f"lost version {min(lost)}"
            raise CorruptTable(f"The log of table `{table}` has {words}.", hint=LOST_HINT)

    def orphans(self, table: str) -> list[Path]:
        """Return data files that no version in the log names: what a killed commit left."""
        if not self.path(table).exists():
            return []
        named = self._named_by_any_version(table)
        return sorted(f for f in self.path(table).rglob("*.parquet") if self._is_orphan(f, named))

    def vacuum(self, table: str, *, retention_hours: int = 168) -> list[str]:
        """Delete data files that left the table longer ago than the retention; return them."""
        return self._open(table).vacuum(
            retention_hours=retention_hours, dry_run=False, enforce_retention_duration=False
        )

    def _named_by_any_version(self, table: str) -> set[Path]:
        folder = self.path(table)
        named: set[Path] = set()
        for log in (folder / "_delta_log").glob("*.json"):
            for line in log.read_text(encoding="utf-8").split("\n"):
                action = json.loads(line or "{}")
                for kind in ("add", "remove"):
                    if kind in action:
                        named.add(folder / _unquote(action[kind]["path"]))
        if self.exists(table):
            named |= {Path(f) for f in self.files(table)}
        return named

    @staticmethod
    def _is_orphan(file: Path, named: set[Path]) -> bool:
        return "_delta_log" not in file.parts and file not in named

    def _open(self, table: str, *, version: int | None = None) -> DeltaTable:
        from deltalake.exceptions import DeltaError, TableNotFoundError

        folder = self.path(table)
        try:
            return _opened(str(folder), version, _newest_log_file(folder))
        except TableNotFoundError:
            raise TableNotFound(
                f"Table `{table}` has nothing yet.", hint="run `steppe grow`"
            ) from None
        except DeltaError as error:
            raise CorruptTable(
                f"Table `{table}` cannot be opened: {_first_line(error)}.", hint=LOST_HINT
            ) from None

    def _commit(
        self,
        table: str,
        data: pa.Table | pa.RecordBatchReader,
        *,
        mode: str,
        predicate: str | None,
        transactions: Mapping[str, str],
        by: Provenance,
    ) -> None:
        import pyarrow as pa
        from deltalake import CommitProperties, Transaction, WriterProperties, write_deltalake
        from deltalake.exceptions import CommitFailedError

        contract = _contract(table)
        properties = CommitProperties(
            custom_metadata={
                "asset": by.asset,
                "run_id": by.run_id,
                "code_version": by.code_version,
            },
            app_transactions=[Transaction(k, _as_version(v)) for k, v in transactions.items()],
        )
        if table.startswith("raw_"):
            _keep_to_the_owner(self.path(table))
        for attempt in range(COMMIT_ATTEMPTS):
            fresh = not self.exists(table)
            if not fresh:
                self._open(table)  # a harmed log is said in our words, before anything is written
            options: dict[str, Any] = {"predicate": predicate} if predicate and not fresh else {}
            if fresh:  # appending to nothing: another writer may be creating the table just now
                options["configuration"] = {
                    "delta.dataSkippingStatsColumns": ",".join(contract.statistics)
                }
            try:
                write_deltalake(
                    str(self.path(table)),
                    data,
                    mode="append" if fresh else mode,
                    partition_by=["day"],
                    commit_properties=properties,
                    writer_properties=WriterProperties(compression="ZSTD"),
                    schema_mode=None if fresh else "merge",  # an older home may lack columns
                    **options,
                )
            except CommitFailedError:
                if not isinstance(data, pa.Table):
                    break  # a stream is used up
                time.sleep(random.uniform(0.05, 0.3) * 2**attempt)
                continue
            _make_durable(self.path(table), self.version(table))
            return
        raise CommitConflict(
            f"`{table}` was changed by others while it was written.",
            hint="run the same command again; nothing was written",
        )


@contextmanager
def reading(subject: str) -> Iterator[None]:
    """Raise `CorruptTable` for what DuckDB and Arrow say of a lost or harmed Parquet file."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
        if not _is_of_a_file(error):
            raise
        raise CorruptTable(
            f"{subject} cannot be read: {_first_line(error)}.", hint=LOST_HINT
        ) from None


def _is_of_a_file(error: Exception) -> bool:
    """Return whether an error is about a Parquet file and not about a question or a full disk."""
    import duckdb

    if type(error) is duckdb.Error:  # a page's header that is no Thrift has no class of its own
        return True
    asked = isinstance(error, duckdb.Error) and not isinstance(
        error, duckdb.IOException | duckdb.InvalidInputException
    )
    return not asked and bool(re.search(r"parquet|thrift", str(error), re.IGNORECASE))


def _first_line(error: Exception) -> str:
    """Return what an error says before its backtrace or the query it marks."""
    return str(error).strip().partition("\n")[0].rstrip(".")


@lru_cache(maxsize=64)
def _opened(folder: str, version: int | None, _newest: tuple[str, int, int]) -> DeltaTable:
    """Return the table as its newest log file left it: opened once, however often it is asked."""
    from deltalake import DeltaTable

    return DeltaTable(folder, version=version)


def _newest_log_file(folder: Path) -> tuple[str, int, int]:
    """Return name, inode and time of the newest commit's file: other ones, another table."""
    logged = [e for e in _entries(folder / "_delta_log") if e.name.endswith(".json")]
    newest = max(logged, key=lambda e: e.name, default=None)
    if newest is None:
        return "", 0, 0
    state = newest.stat()
    return newest.name, state.st_ino, state.st_mtime_ns


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return list(entries)


def _actions(table: DeltaTable) -> list[dict[str, Any]]:
    """Return the log's entries of the files that are the table."""
    import pyarrow as pa

    return pa.table(table.get_add_actions(flatten=True)).to_pylist()


def _made_from(table: DeltaTable, partition: date | str) -> int | None:
    return table.transaction_version(_transaction(str(partition)))


def _partition(folder: Path, day: date, files: Sequence[Mapping[str, Any]]) -> Partition:
    moments = [f["modification_time"] / 1000 for f in files]
    return Partition(
        day,
        files=tuple(sorted(str(folder / _unquote(f["path"])) for f in files)),
        rows=sum(f["num_records"] for f in files),
        size=sum(f["size_bytes"] for f in files),
        written_at=datetime.fromtimestamp(max(moments), UTC) if moments else None,
    )


def _keep_to_the_owner(folder: Path) -> None:
    """Let nobody else enter the folder: originals have names and numbers that cleaning replaces."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _contract(table: str) -> schemas.Table:
    known = schemas.tables()
    if table not in known:
        raise TableNotFound(
            f"There is no table `{table}`.", hint=f"the tables are {', '.join(known)}"
        )
    return known[table]


def _whole(found: pa.Table, contract: schemas.Table) -> pa.Table:
    """Return rows with every column of today, null where the files are of an older home."""
    import pyarrow as pa

    for field in contract.schema:
        if field.name not in found.schema.names:
            found = found.append_column(field, pa.nulls(found.num_rows, field.type))
    return found.select(contract.schema.names).cast(contract.schema)


def _empty(contract: schemas.Table, columns: str) -> pa.Table:
    import duckdb

    with duckdb.connect() as connection:
        connection.register("nothing", contract.schema.empty_table())
        return connection.sql(f"select {columns} from nothing").to_arrow_table()  # noqa: S608


def _as_they_lie(files: Sequence[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of files from first to last, for half the CPU time of a query."""
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path, memory_map=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
                yield batch.select(list(columns))


def _sorted(files: Sequence[str], columns: Sequence[str], order: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of files in the order of a column."""
    import duckdb

    query = f"select {', '.join(columns)} from read_parquet(?) order by {order}"  # noqa: S608
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{SORTING_MEMORY}'")
        connection.execute("set threads = 2")
        connection.execute("set timezone = 'UTC'")  # the machine's may be called Etc/UTC
        found = connection.sql(query, params=[list(files)])
        yield from _gathered(iter(found.to_arrow_reader(ROWS_AT_ONCE)))


def _gathered(parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield small batches joined into ones of at most `BATCH_ROWS` and about `BATCH_BYTES`."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    rows = size = 0
    for part in parts:
        held.append(part)
        rows, size = rows + part.num_rows, size + part.nbytes
        if rows + ROWS_AT_ONCE > BATCH_ROWS or size > BATCH_BYTES:
            yield pa.concat_batches(held)
            held, rows, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


def _fit(
    contract: schemas.Table, rows: Iterable[Mapping[str, Any]] | Any, *, day: date
) -> pa.Table | pa.RecordBatchReader:
    """Return the rows as Arrow with exactly the table's columns, or say which do not fit."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return _fit_columns(contract, rows, day)
    if isinstance(rows, Iterator):
        fitted = (b for t in rows for b in _fit_columns(contract, t, day).to_batches())
        return pa.RecordBatchReader.from_batches(contract.schema, fitted)
    listed = [{"day": day, **row} for row in rows]
    wanted = set(contract.schema.names)
    for row in listed:
        if row.keys() != wanted:
            raise SchemaError(
                f"A row for `{contract.name}` has too many or too few columns: "
                f"{sorted(row.keys() ^ wanted)}.",
                hint="rows carry every column of the table and no other",
            )
    _refuse_fractions(contract, listed)
    try:
        made = pa.Table.from_pylist(listed, schema=contract.schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise SchemaError(
            f"A row for `{contract.name}` does not fit: {error}.",
            hint="nothing is cast silently; convert the value where it is made",
        ) from None
    return _of_day(contract, made, day)


def _of_day(contract: schemas.Table, rows: pa.Table, day: date) -> pa.Table:
    """Return the rows if all are of this day."""
    if rows.num_rows and rows.column("day").unique().to_pylist() != [day]:
        raise SchemaError(
            f"Rows for `{contract.name}` are not all of {day}.",
            hint="a partition is replaced whole, by rows of its own day",
        )
    return rows


def _fit_columns(contract: schemas.Table, rows: pa.Table, day: date) -> pa.Table:
    """Return columns in the table's order and string widths; another type is refused.

    `day` may be left out: it is the partition's.
    """
    import pyarrow as pa

    if "day" not in rows.schema.names:
        rows = rows.append_column("day", pa.array([day] * rows.num_rows, pa.date32()))
    if set(rows.schema.names) != set(contract.schema.names):
        raise SchemaError(
            f"Rows for `{contract.name}` have too many or too few columns: "
            f"{sorted(set(rows.schema.names) ^ set(contract.schema.names))}.",
            hint="rows carry every column of the table and no other",
        )
    rows = rows.select(contract.schema.names)
    for have, want in zip(rows.schema, contract.schema, strict=True):
        if _narrow(have.type) != _narrow(want.type):
            raise SchemaError(
                f"`{contract.name}.{want.name}` holds {want.type}, the rows have {have.type}.",
                hint="nothing is cast silently; convert the value where it is made",
            )
    return _of_day(contract, rows.cast(contract.schema), day)


def _narrow(kind: pa.DataType) -> str:
    """Return a type by name, the width of its offsets and the names of list items left out."""
    return re.sub(r"list<\w+: ", "list<", re.sub(r"large_|_view", "", str(kind)))


def _refuse_fractions(contract: schemas.Table, rows: list[dict[str, Any]]) -> None:
    """Raise for a float in a whole-number column: Arrow would cut it off without a word."""
    import pyarrow as pa

    for field in contract.schema:
        if not pa.types.is_integer(field.type):
            continue
        wrong = next((r[field.name] for r in rows if isinstance(r[field.name], float)), None)
        if wrong is not None:
            raise SchemaError(
                f"`{contract.name}.{field.name}` holds whole numbers, a row has {wrong}.",
                hint="nothing is cast silently; convert the value where it is made",
            )


def _transaction(partition: str) -> str:
    return f"made_from:{partition}"


def _as_version(fingerprint: str) -> int:
    return int(fingerprint[:FINGERPRINT_HEX_DIGITS], 16)


def _log_file(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:0{LOG_DIGITS}d}.json"


def _unquote(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def _is_whole(file: Path, size: int) -> bool:
    """Return whether a data file has its size, a Parquet file's beginning and its end."""
    if not file.is_file() or file.stat().st_size != size:
        return False
    with file.open("rb") as opened:
        begins = opened.read(len(PARQUET_MAGIC))
        opened.seek(-len(PARQUET_MAGIC), os.SEEK_END)
        return begins == opened.read() == PARQUET_MAGIC


def _make_durable(folder: Path, version: int) -> None:
    """Flush a commit to disk: its data files, its log file, and the folders that name them."""
    log = _log_file(folder, version)
    added = [
        folder / _unquote(json.loads(line)["add"]["path"])
        for line in log.read_text(encoding="utf-8").split("\n")
        if '"add"' in line[:8]
    ]
    flush([*added, log, *{f.parent for f in added}, log.parent, folder])


def flush(paths: Sequence[Path]) -> None:
    """Ask the kernel to put files and folders on disk; a file gone meanwhile is no error."""
    for path in paths:
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
