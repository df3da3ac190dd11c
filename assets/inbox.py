"""The inbox: one folder a day, holding files exactly as they came.

    inbox/2026-03-05/notes/Семья.md      copied by `steppe ingest`
    inbox/2026-03-05/gateway.jsonl       written by the served assistant
    inbox/.digests.db                    the ids of files' bytes, so that each is read once
    inbox/.refused/2026-03-05.jsonl      paths that could not be taken in, with the reason
    inbox/export.json                    dropped by hand: `admit` moves it to today's folder

A file's bytes are taken in once: the same bytes under any name, on any day, are not copied again.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict, replace

from assets.digests import digest
from lake.errors import DataError
from lake.ids import content_id, file_id
from lake.schemas import Unreadable

if TYPE_CHECKING:
    from assets import sources

REFUSED = ".refused"
DRAFTS = ".drafts"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an ingestion did: files copied, files whose bytes were there, paths refused."""

    day: date
    copied: int
    known: int
    refused: int


def take_in(paths: Iterable[Path], inbox: Path, *, day: date) -> Taken:
    """Copy files and folders into a day's folder; `DataError` for a path that does not exist."""
    from assets import sources

    listed = list(paths)
    for path in listed:
        if not path.exists() and not path.is_symlink():
            raise DataError(f"There is no `{path}`.", hint="check the path; nothing was taken in")
    known = _known_bytes(inbox)
    fates = [_take(found, inbox, day, known) for found in sources.walk(listed)]
    refused = [fate for fate in fates if isinstance(fate, Unreadable)]
    _note_refused(inbox / REFUSED / f"{day}.jsonl", refused)
    return Taken(day, fates.count("copied"), fates.count("known"), len(refused))


def admit(inbox: Path, *, day: date) -> int:
    """Move what was dropped loose into the inbox to a day's folder; return how many entries."""
    loose = [p for p in _entries(inbox) if _day_of(p) is None and not p.name.startswith(".")]
    if loose:
        (inbox / str(day)).mkdir(exist_ok=True)
    for path in loose:
        path.rename(_free(inbox / str(day) / path.name))
    return len(loose)


def days(inbox: Path) -> list[date]:
    """Return the days that have a folder, oldest first."""
    found = {day for p in _entries(inbox) if (day := _day_of(p))}
    found |= {date.fromisoformat(p.stem) for p in (inbox / REFUSED).glob("*.jsonl")}
    return sorted(found)


def files(inbox: Path, day: date) -> Iterator[sources.Found]:
    """Yield a day's files in the order of their names, and what cannot be a file of ours."""
    from assets import sources

    folder = inbox / str(day)
    if folder.is_dir():
        yield from sources.walk([folder])


def refused(inbox: Path, day: date) -> list[Unreadable]:
    """Return what `take_in` could not copy that day."""
    path = inbox / REFUSED / f"{day}.jsonl"
    return [Unreadable(**json.loads(line)) for line in _lines(path)]


def fingerprint(inbox: Path, day: date) -> str:
    """Return the id of a day's files: their names and bytes."""
    parts = [repr(item) for item in refused(inbox, day)]
    for found in files(inbox, day):
        ending = found.problem.reason if found.problem else digest(found.path, inbox=inbox)
        parts += [found.name, ending]
    return content_id(*parts)


def _take(found: sources.Found, inbox: Path, day: date, known: set[str]) -> str | Unreadable:
    """Copy one file unless its bytes are known; return its fate."""
    if found.problem:
        return replace(found.problem, position=found.name)
    if found.path.is_relative_to(inbox.parent.resolve()):
        return Unreadable("own_home", found.name, detail="A file of Steppe's own home.")
    try:
        taken = file_id(found.path)
        if taken in known:
            return "known"
        _copy(found.path, inbox / str(day) / found.name, drafts=inbox / DRAFTS)
    except OSError as error:
        return Unreadable("io_error", found.name, detail=f"{error.strerror}.")
    known.add(taken)
    return "copied"


def _lines(path: Path) -> list[str]:
    """Return the lines of a JSONL file; only a line feed ends one, not what Unicode adds."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [line for line in text.split("\n") if line]


def _entries(inbox: Path) -> list[Path]:
    return sorted(inbox.iterdir()) if inbox.exists() else []


def _known_bytes(inbox: Path) -> set[str]:
    known: set[str] = set()
    for day in days(inbox):
        known |= {digest(f.path, inbox=inbox) for f in files(inbox, day) if not f.problem}
    return known


def _copy(path: Path, target: Path, *, drafts: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    drafts.mkdir(exist_ok=True)
    draft = drafts / secrets.token_hex(8)
    shutil.copyfile(path, draft)
    draft.rename(_free(target))


def _day_of(path: Path) -> date | None:
    try:
        day = date.fromisoformat(path.name)
    except ValueError:
        return None
    return day if path.is_dir() and str(day) == path.name else None  # 20260305 is a date as well


def _free(target: Path) -> Path:
    """Return the path, or one like it that nothing has yet."""
    number = 1
    free = target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return free


def _note_refused(path: Path, found: list[Unreadable]) -> None:
    noted = _lines(path)
    lines = [json.dumps(asdict(item), ensure_ascii=False) for item in found]
    new = [line for line in lines if line not in noted]
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in new)
