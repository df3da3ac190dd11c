"""SQL over one person's own dialogues, and over nothing else.

    dialogues   dialogue_id, day, source, title, language, turns, characters, began_at, ended_at
    messages    dialogue_id, position, role, content, created_at, day

Only that person's rows are copied, newest revisions with cleaned words, into a process that can
reach nothing else (`lake.sandbox`): no other person's row is there to be found by any statement.
Times are UTC.  The copy lies in memory and goes with the question.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import LakeError
from lake.ids import ID_HEX_DIGITS

if TYPE_CHECKING:
    from lake.tables import Lake

MAX_STATEMENT = 10_000  # characters
COLUMNS = "dialogue_id, revision, day, source, title, language, turns, characters, messages"
START_SECONDS = 60.0  # to start the process and read the rows, on a machine that is busy
ROOT = Path(__file__).parents[1]
HINT = "one `select`, `with`, `describe` or `summarize` over `dialogues` and `messages`"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave; `cut` where rows, columns or long cells were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: bool


def ask(
    lake: Lake, user_id: str, statement: str, *, max_rows: int = 100, max_seconds: float = 2.0
) -> Answer:
    """Return the answer of one statement over the person's rows; `LakeError` says what is wrong.

    `max_seconds` is wall time from the moment the rows are there; a statement that cannot be
    interrupted is ended half a second later with its process.
    """
    if not re.fullmatch(rf"[0-9a-f]{{{ID_HEX_DIGITS}}}", user_id):
        raise LakeError(f"`{user_id}` is no pseudonym.", hint="`steppe people --who NAME` tells it")
    if re.search(r"[\x00\ud800-\udfff]", statement):
        raise LakeError("The statement holds characters that are no text.", hint=HINT)
    if len(statement) > MAX_STATEMENT:
        raise LakeError(
            f"The statement has {len(statement)} characters; {MAX_STATEMENT} are read.", hint=HINT
        )
    request = {"statement": statement, "max_rows": max_rows, "max_seconds": max_seconds}
    with _copied(lake, user_id) as rows:
        found = _in_process(rows, request)
    return _answer(found, max_seconds)


@contextmanager
def _copied(lake: Lake, user_id: str) -> Iterator[int]:
    """Yield a file in memory, as Parquet, with every revision of the person's dialogues."""
    from pyarrow import parquet

    own = lake.arrow("cleaned_dialogues", where=f"user_id = '{user_id}'", columns=COLUMNS)
    handle = os.memfd_create("own_rows")
    try:
        with os.fdopen(os.dup(handle), "wb") as file:
            parquet.write_table(own, file, compression="none")
        yield handle
    finally:
        os.close(handle)


def _in_process(rows: int, request: dict[str, Any]) -> dict[str, Any]:
    """Return what the sandbox answers, or how it ended."""
    command = [sys.executable, "-P", "-m", "lake.sandbox", f"/proc/self/fd/{rows}"]
    limit = START_SECONDS + request["max_seconds"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(request, ensure_ascii=True),
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
            env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            pass_fds=(rows,),
        )
    except subprocess.TimeoutExpired:
        return {"late": True}
    if done.returncode:
        return _ended(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ended(code: int) -> dict[str, Any]:
    """Return what a process that gave no answer ended of; its own words may tell paths."""
    if code == -signal.SIGALRM:
        return {"late": True}
    return {"large": True} if code < 0 else {"error": "the engine gave up"}


def _answer(found: dict[str, Any], max_seconds: float) -> Answer:
    if "late" in found:
        raise LakeError(
            f"The question took longer than {max_seconds:g} seconds and was stopped.",
            hint="ask for less: fewer rows joined, a shorter list",
        )
    if "large" in found:
        raise LakeError(
            "The question took more memory than it may have.",
            hint="ask for less: fewer rows joined, shorter texts",
        )
    if "refused" in found:
        raise LakeError(found["refused"], hint=HINT)
    if "error" in found:
        raise LakeError(f"The question failed: {found['error']}", hint=HINT)
    rows = tuple(tuple(row) for row in found["rows"])
    return Answer(tuple(found["columns"]), rows, bool(found["cut"]))
