"""Files inside files: gzip, Zstandard and zip, told by their first bytes, never by their names.

What is packed is unpacked into a temporary file that only this user may read, and read there as
any other file is.  A member's name never becomes a path.  All that comes out of one given file may
be `MAX_GROWTH` times its size (or `FREE_BYTES`, if that is more), so that a bomb costs little and
ends with a reason.  Of a member that no reader could take only the first 64 KiB are unpacked: the
pictures of an export cost nothing.

Zstandard comes from Arrow, which is here anyway; gzip and zip from the standard library.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from assets.sources.encodings import problem_with
from assets.sources.files import IGNORED
from assets.sources.reading import CHUNK_BYTES, HEAD_BYTES, excerpt_of, head_from, open_regular
from lake.schemas import Unreadable

# JSON of chats packs to a third or a tenth, the most repetitive of logs to a hundredth.
MAX_GROWTH = 200
FREE_BYTES = 64 << 20
MAX_MEMBERS = 20_000  # an export with years of pictures has thousands
MAX_DIRECTORY_BYTES = 8 << 20  # of a zip: about 60,000 entries as they are usually written
MAX_DEPTH = 2  # a zip of gzipped files, and no deeper

_MARKS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # with nothing in it
}
# What the three libraries raise on damaged bytes; zlib's and Arrow's words are put into the reason.
_DAMAGE = (
    EOFError, NotImplementedError, OSError, ValueError, OverflowError,
    lzma.LZMAError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class Readable(Protocol):
    """What the three libraries unpack from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""


@dataclass(slots=True)
class Budget:
    """How many bytes may still come out of one given file, whatever is packed in what."""

    left: int

    @classmethod
    def of(cls, path: Path) -> Budget:
        """Return the budget of a given file: by its size, and by the room that there is."""
        room = shutil.disk_usage(tempfile.gettempdir()).free // 2
        return cls(min(max(FREE_BYTES, MAX_GROWTH * path.stat().st_size), room))


@dataclass(frozen=True, slots=True)
class Member:
    """What was packed, as a file that lives until the next member is asked for.

    `name` is that inside a zip, "" of what gzip and Zstandard hold.
    """

    name: str
    path: Path


def packing_of(raw: bytes) -> str:
    """Return `gzip`, `zstd` or `zip` by a file's first bytes, "" for anything else."""
    return next((name for mark, name in _MARKS.items() if raw.startswith(mark)), "")


def members(path: Path, packing: str, budget: Budget) -> Iterator[Member | tuple[str, Unreadable]]:
    """Yield everything packed in a file; for what cannot be unpacked its name and the reason."""
    try:
        if packing == "zip":
            yield from _zipped(path, budget)
            return
        with os.fdopen(open_regular(path), "rb") as file:
            stream = gzip.GzipFile(fileobj=file) if packing == "gzip" else _zstd(file)
            yield from _unpacked("", stream, budget)
    except _DAMAGE as error:
        yield "", _damaged(error)


def _zstd(file: IO[bytes]) -> Readable:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


def _zipped(path: Path, budget: Budget) -> Iterator[Member | tuple[str, Unreadable]]:
    with _Careful(open_regular(path)) as file, zipfile.ZipFile(file) as archive:
        # `ZipInfo.is_dir` of Python 3.11 raises on a name without a letter.
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        if not entries:
            yield "", Unreadable("no_records", detail="Nothing is packed in it.")
        for entry in entries[:MAX_MEMBERS]:
            name = excerpt_of(entry.filename) or "unnamed"
            if problem := _unwanted(entry):
                yield name, problem
                continue
            try:
                with archive.open(entry) as stream:
                    yield from _unpacked(name, stream, budget)
            except _DAMAGE as error:
                yield name, _damaged(error)
        if len(entries) > MAX_MEMBERS:
            detail = f"{len(entries)} files; the first {MAX_MEMBERS} are read."
            yield "", Unreadable("archive_too_large", detail=detail)


class _Careful(io.FileIO):
    """A zip read in bounded pieces only: `zipfile` takes a directory of any size in one."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; `BadZipFile` for more than a directory may have."""
        wanted = MAX_DIRECTORY_BYTES + 1 if size is None or size < 0 else size
        found = super().read(min(wanted, MAX_DIRECTORY_BYTES + 1)) or b""
        if len(found) > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("the directory is too large")
        return found


def _unwanted(entry: zipfile.ZipInfo) -> Unreadable | None:
    parts = entry.filename.split("/")
    if IGNORED & set(parts) or parts[0] == "__MACOSX":
        return Unreadable("ignored", detail="Kept by another program; never dialogues.")
    if entry.flag_bits & 1:
        return Unreadable("encrypted", detail="A password is needed; unpack it yourself.")
    return None


def _unpacked(
    name: str, stream: Readable, budget: Budget
) -> Iterator[Member | tuple[str, Unreadable]]:
    start = _first(stream)
    if not packing_of(start) and (problem := problem_with(head_from(start))):
        yield name, problem
        return
    with tempfile.NamedTemporaryFile(prefix="steppe-") as file:
        part = start
        while part and budget.left >= len(part):
            budget.left -= len(part)
            file.write(part)
            part = stream.read(CHUNK_BYTES)
        file.flush()
        if part:
            detail = f"Unpacked it is over {MAX_GROWTH} times its size, or than there is room."
            yield name, Unreadable("archive_too_large", detail=detail)
        else:
            yield Member(name, Path(file.name))


def _first(stream: Readable) -> bytes:
    """Return the first 64 KiB of a stream, which may give them in pieces."""
    found = b""
    while len(found) < HEAD_BYTES and (part := stream.read(HEAD_BYTES - len(found))):
        found += part
    return found


def _damaged(error: Exception) -> Unreadable:
    said = excerpt_of(str(error)).rstrip(".") or type(error).__name__
    return Unreadable("bad_archive", detail=f"It cannot be unpacked: {said}.")
