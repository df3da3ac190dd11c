"""What was said to the assistant, and what it said: one JSON line an event, a file a day.

The file lies in the inbox's folder of its day, so the next turn of the loop reads it as any other
source (`assets/sources/gateway.py` states the format).  A line is on disk before the event is
acknowledged.  A process killed in the middle of a line leaves a torn one: the next writer starts
on a new line, and the reader quarantines the torn one with its reason.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "gateway.jsonl"


class ConversationLog:
    """Appends events under `inbox/<day>/gateway.jsonl`, from any thread."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        """Append one event with its time in UTC, and wait until it is on disk."""
        now = datetime.now(UTC)
        line = json.dumps({"event": event, **fields, "at": now.isoformat()}, ensure_ascii=False)
        path = self._inbox / now.date().isoformat() / FILE
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                file.write(_line_break_if_torn(file) + line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())


def _line_break_if_torn(file: Any) -> bytes:
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
