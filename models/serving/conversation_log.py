"""What was said to the assistant, and what it said: one JSON line an event, a file a day.

    <inbox>/<day>/gateway.jsonl     requests and answers, each on disk before it is acknowledged
    <streams>/<request_id>.jsonl    a streamed answer so far: written before the client sees it

The log lies in the inbox's folder of its day, so the next turn of the loop reads it as any other
source (`assets/sources/gateway.py` states the format).  One thread writes: events that come
together share one `fsync`.  A process killed in the middle of a line leaves a torn one: the next
writer starts on a new line, and the reader quarantines the torn one with its reason.  One killed
in the middle of a stream leaves its pieces: `recover` makes them the answer that was cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol

FILE = "gateway.jsonl"
REMEMBERED_DAYS = 2
"""Days whose conversations can go on after a restart."""


def path_of(inbox: Path, day: date) -> Path:
    """Return where the log of a day lies, whether or not there is one."""
    return inbox / day.isoformat() / FILE


class ConversationLog:
    """Appends events under `inbox/<day>/gateway.jsonl`; `close` when done."""

    def __init__(self, inbox: Path, streams: Path) -> None:
        self._inbox = inbox
        self._streams = streams
        self._lines: queue.SimpleQueue[tuple[datetime, bytes, Future[None]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    def put(self, event: str, **fields: Any) -> Future[None]:
        """Hand an event to the writer, with its time in UTC; the future ends once it is on disk."""
        now, done = datetime.now(UTC), Future[None]()
        done.set_running_or_notify_cancel()  # whoever waits may be cancelled, the writing not
        line = json.dumps({"event": event, **fields, "at": now.isoformat()}, ensure_ascii=False)
        self._lines.put((now, line.encode() + b"\n", done))
        return done

    async def write(self, event: str, **fields: Any) -> None:
        """Append one event, and wait until it is on disk."""
        await asyncio.wrap_future(self.put(event, **fields))

    def stream(self, request_id: str) -> Stream:
        """Return where the pieces of an answer are kept until the answer itself is in the log."""
        return Stream(self._streams / f"{request_id}.jsonl")

    def recover(self) -> int:
        """Log the answers that a killed process left in the middle; return how many."""
        left = sorted(self._streams.glob("*.jsonl")) if self._streams.exists() else []
        if not left:
            return 0
        since = min(map(_day_of, left))  # its answer was logged then or later, if it was
        logged = {e["request_id"] for e in self._since(since) if e.get("event") == "answer"}
        for path in left:
            about, said = _pieces(path)
            if about and path.stem not in logged:
                self.put("answer", **about, **said, finish="cut").result()
            path.unlink()
        return len(left)

    def recent(self) -> Iterator[dict[str, Any]]:
        """Yield the whole events of the last days, oldest first."""
        return self._since(datetime.now(UTC).date() - timedelta(days=REMEMBERED_DAYS - 1))

    def _since(self, day: date) -> Iterator[dict[str, Any]]:
        for on in range((datetime.now(UTC).date() - day).days + 1):
            path = path_of(self._inbox, day + timedelta(days=on))
            if not path.exists():
                continue
            with path.open("rb") as file:
                for line in file:
                    with contextlib.suppress(ValueError):
                        yield json.loads(line)

    def close(self) -> None:
        """Write what was handed over, and end the thread."""
        self._lines.put(None)
        self._thread.join()

    def _write_on(self) -> None:
        ended = False
        while not ended:
            batch = [self._lines.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    batch.append(self._lines.get_nowait())
            ended = None in batch
            by_day: dict[date, list[tuple[bytes, Future[None]]]] = {}
            for item in batch:
                if item is not None:
                    at, line, done = item
                    by_day.setdefault(at.date(), []).append((line, done))
            for day, lines in by_day.items():
                self._append(path_of(self._inbox, day), lines)

    def _append(self, path: Path, lines: list[tuple[bytes, Future[None]]]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                file.write(_line_break_if_torn(file) + b"".join(line for line, _ in lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            for _, done in lines:
                done.set_exception(error)
            return
        for _, done in lines:
            done.set_result(None)


class Hearer(Protocol):
    """Who remembers of a log what a restart would forget."""

    def hear(self, asked: Mapping[str, Any], answered: Mapping[str, Any] | None) -> None:
        """Take in a request when it comes, without an answer, and again with it."""


def replay(events: Iterable[Mapping[str, Any]], *hearers: Hearer) -> None:
    """Let everybody hear the requests and answers of a log, in their order, in one reading.

    What a front end asked by itself (`task`) is nobody's conversation.
    """
    waiting: dict[str, Mapping[str, Any]] = {}
    for event in events:
        if event.get("task"):
            continue
        if event.get("event") == "request":
            asked = waiting[event["request_id"]] = event
            answered = None
        elif event.get("event") == "answer" and event["request_id"] in waiting:
            asked, answered = waiting.pop(event["request_id"]), event
        else:
            continue
        for hearer in hearers:
            hearer.hear(asked, answered)


@dataclass
class Stream:
    """The pieces of one answer: its first line says whose it is, every other is a piece.

    A piece is text, or a call that the assistant made on the way.
    """

    path: Path
    file: IO[bytes] | None = None

    def begin(self, about: Mapping[str, Any]) -> None:
        """Note whose answer it is, before its first piece."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("wb", buffering=0)
        self._put(dict(about))

    def add(self, text: str) -> None:
        """Keep a piece: with the kernel, so that it outlives this process."""
        self._put(text)

    def add_call(self, call: Mapping[str, Any]) -> None:
        """Keep a call, as a piece of text is kept."""
        self._put(dict(call))

    def end(self) -> None:
        """Forget the pieces: the answer is in the log."""
        if self.file is not None:
            self.file.close()
            self.path.unlink(missing_ok=True)

    def _put(self, value: Any) -> None:
        if self.file is not None:
            self.file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")


def _day_of(path: Path) -> date:
    """Return the day when a stream was written to last."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _pieces(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return whose answer a stream's file holds, and what of it came; torn lines are left out."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    about = found[0] if found and isinstance(found[0], dict) else {}
    content = "".join(piece for piece in found[1:] if isinstance(piece, str))
    calls = [piece for piece in found[1:] if isinstance(piece, dict)]
    return about, {"content": content, **({"calls": calls} if calls else {})}


def _line_break_if_torn(file: Any) -> bytes:
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
