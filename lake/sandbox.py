"""One statement over one person's rows, in a process that can reach nothing else.

    python -m lake.sandbox FILE      request on standard input, answer on standard output, as JSON

DuckDB's own locks come first: an in-memory database, no external access, no extensions, no other
configuration.  They do not bound everything: DuckDB 2.0 hears an interrupt only between blocks of
rows and counts no memory that a function takes, so `levenshtein` of two long texts runs on for
minutes and `damerau_levenshtein` takes gigabytes.  The kernel bounds what is left: an alarm ends
the process, its address space is limited, and after the rows are read it can open no file.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

MEMORY = 256 << 20  # bytes that DuckDB may take over those of the rows
ADDRESS_SPACE = 512 << 20  # bytes the process may map over those it has when the rows are read
GRACE_SECONDS = 0.5  # between the interrupt and the alarm
MAX_COLUMNS = 100
MAX_CELL = 1000  # characters
MAX_ANSWER = 100_000  # characters of all cells: a hundred full ones
MAX_ERROR = 300

DIALOGUES = """
create table dialogues as
select dialogue_id, day, source, title, language, turns, characters,
    list_min(list_transform(messages, lambda m: m.created_at at time zone 'UTC')) as began_at,
    list_max(list_transform(messages, lambda m: m.created_at at time zone 'UTC')) as ended_at,
    messages
from read_parquet(?)
qualify row_number() over (partition by dialogue_id order by day desc, turns desc, revision) = 1
order by day, dialogue_id
"""
MESSAGES = """
create table messages as
with numbered as (
    select dialogue_id, day, unnest(messages) as message,
        generate_subscripts(messages, 1) - 1 as position
    from dialogues
)
select dialogue_id, position, message.role as role, message.content as content,
    message.created_at at time zone 'UTC' as created_at, day
from numbered
order by day, dialogue_id, position
"""
"""The newest revision of each dialogue, as `sql/staging/stg_dialogues.sql` chooses it."""


def main() -> None:
    """Answer the one request; whatever happens, the answer is one JSON object, or a signal."""
    os.environ.clear()
    os.chdir("/")
    request = json.load(sys.stdin)
    try:
        written = json.dumps(_answered(sys.argv[1], request))
    except MemoryError:
        written = json.dumps({"large": True})
    sys.stdout.write(written)
    sys.stdout.flush()
    os._exit(0)  # no destructor of an interrupted query may hang


def _answered(file: str, request: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    from lake.statements import Rules

    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    _load(connection, file)
    rules = Rules.of(connection, frozenset({"dialogues", "messages"}))
    _lock(connection, request["max_seconds"])
    try:
        return _ask(connection, rules, request["statement"], request["max_rows"])
    except duckdb.InterruptException:
        return {"late": True}
    except (duckdb.OutOfMemoryException, MemoryError):
        return {"large": True}
    except (duckdb.Error, UnicodeError, OverflowError, ValueError) as error:
        return {"error": str(error)[:MAX_ERROR].strip()}
    except RecursionError:
        return {"error": "The statement is nested too deep."}


def _load(connection: duckdb.DuckDBPyConnection, file: str) -> None:
    connection.execute("set timezone = 'UTC'")
    connection.execute(DIALOGUES, [file]).fetchall()
    connection.execute(MESSAGES).fetchall()
    connection.execute("alter table dialogues drop column messages").fetchall()


def _lock(connection: duckdb.DuckDBPyConnection, max_seconds: float) -> None:
    """Close every door, DuckDB's first; from here on the clock runs."""
    used = connection.execute("select sum(memory_usage_bytes) from duckdb_memory()").fetchall()
    for setting in (
        "threads = 1",
        f"memory_limit = '{int(used[0][0] or 0) + MEMORY}B'",
        "temp_directory = ''",
        "secret_directory = ''",
        "allow_persistent_secrets = false",
        "allow_community_extensions = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"set {setting}").fetchall()
    timer = threading.Timer(max_seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends the process, not Python
    signal.setitimer(signal.ITIMER_REAL, max_seconds + GRACE_SECONDS)
    _limit(resource.RLIMIT_AS, _mapped_bytes() + ADDRESS_SPACE)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 0)  # what is open stays so; nothing more can be opened


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


def _mapped_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  no pathlib here
        return int(file.read().split()[0]) * resource.getpagesize()


def _ask(
    connection: duckdb.DuckDBPyConnection, rules: Any, statement: str, max_rows: int
) -> dict[str, Any]:
    if problem := _problem(connection, rules, statement):
        return {"refused": problem}
    connection.execute(statement)
    columns = [str(column[0]) for column in connection.description or []]
    rows: list[list[Any]] = []
    left, cut = MAX_ANSWER, len(columns) > MAX_COLUMNS
    for row in connection.fetchmany(max_rows + 1):
        cells = [_cell(value) for value in row[:MAX_COLUMNS]]
        left -= sum(len(str(value)) for value, _ in cells)
        if len(rows) == max_rows or (rows and left < 0):
            cut = True
            break
        cut = cut or any(was_cut for _, was_cut in cells)
        rows.append([value for value, _ in cells])
    return {"columns": [c[:MAX_CELL] for c in columns[:MAX_COLUMNS]], "rows": rows, "cut": cut}


def _problem(connection: duckdb.DuckDBPyConnection, rules: Any, statement: str) -> str:
    """Return why the statement may not run, or nothing."""
    from lake.statements import names_given, refusal

    kinds = [s.type.name for s in connection.extract_statements(statement)]
    if len(kinds) != 1:
        return f"There are {len(kinds)} statements, and one can be asked."
    if kinds != ["SELECT"]:
        return f"`{kinds[0]}` is no question."
    written = connection.execute("select json_serialize_sql(?::varchar)", [statement]).fetchall()
    tree = json.loads(written[0][0])
    if tree["error"]:
        return str(tree["error_message"])
    taken = [n for n in sorted(names_given(tree) - rules.tables) if _is_known(connection, n)]
    return f"`{taken[0]}` is a name of the engine's own." if taken else refusal(tree, rules)


def _is_known(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Say whether the engine itself has something to read under a name."""
    import duckdb

    quoted = name.replace('"', '""')
    try:
        connection.execute(f'describe from "{quoted}"').fetchall()
    except duckdb.Error:
        return False
    return True


def _cell(value: Any) -> tuple[Any, bool]:
    """Return a value as JSON has it, text at most `MAX_CELL` characters, and whether it was cut."""
    if value is None or isinstance(value, bool | float):
        return value, False
    if isinstance(value, int) and abs(value) < 10**18:
        return value, False
    text = value.hex() if isinstance(value, bytes) else str(value)
    return (text[: MAX_CELL - 1] + "…", True) if len(text) > MAX_CELL else (text, False)


if __name__ == "__main__":
    main()
