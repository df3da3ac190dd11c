"""Opening files safely and cutting them into records with bounded memory.

Everything here works on UTF-8 bytes.  A file that begins with a byte order mark of UTF-16 is
recoded on the way; any other encoding is reported, never guessed at: a wrong guess would put
mojibake into the lake.  No function raises on bad content: what cannot be read is an `Unreadable`.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from assets.sources.cutting import Cutter, Piece, list_parts, own_keys
from lake.schemas import EXCERPT_CHARACTERS, Dialogue, Preference, Unreadable

HEAD_BYTES = 1 << 16  # what detection sees; every format shows itself within 64 KiB
CHUNK_BYTES = 1 << 20
MAX_RECORD_BYTES = 32 << 20  # the longest context in use is about 4 MiB of text
# A record of nothing but tiny parts takes twenty times its size once decoded: parts are bounded.
MAX_RECORD_LINES = 200_000
MAX_RECORD_VALUES = 2_000_000

Item = Dialogue | Preference | Unreadable


@dataclass(frozen=True, slots=True)
class Options:
    """What a format leaves open; `lake.settings.SourcesSettings` has the same names, explained."""

    nexus_dates: str = ""
    chatgpt_branches: bool = False
    telegram_assistant: str = ""
    telegram_gap_hours: float = 8.0
    oasst_paths: str = "best"
    sharegpt_max_characters: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A format: its name, how its head looks, and how a file of it is read."""

    name: str
    recognises: Callable[[Head], bool]
    read: Callable[[Path, Options], Iterator[Item]]


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file, and the same as text: no byte order mark, bad bytes replaced.

    `keys` are those of the first JSON object, the mark of every JSON format; {} of other text.
    """

    raw: bytes
    text: str
    keys: frozenset[str] = frozenset()


class Line(NamedTuple):
    """A line without its end.  `whole` is False for the start of a line over the limit."""

    number: int
    raw: bytes
    whole: bool
    ended: bool


def open_regular(path: Path) -> int:
    """Return a descriptor of a regular file; `OSError` for anything else, which is never opened.

    The check is repeated on the descriptor, so a file swapped for a pipe between the two does
    not make the reader wait: a pipe opened with `O_NONBLOCK` returns at once.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(f"{path.name!r} is not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name!r} is not a regular file")
    return descriptor


def head_of(path: Path) -> Head:
    """Return the head of a file, recoded to UTF-8 where a mark says that it is UTF-16."""
    with os.fdopen(open_regular(path), "rb") as file:
        return head_from(file.read(HEAD_BYTES))


def head_from(raw: bytes) -> Head:
    """Return the head of a file that begins with these bytes."""
    recoded = b"".join(_recoded(iter([raw]), tolerant=True))
    text = recoded.decode("utf-8", "replace")
    return Head(raw, text, own_keys(text.lstrip()))


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file as UTF-8, 1 MiB at a time, without a byte order mark."""
    with os.fdopen(open_regular(path), "rb") as file:
        yield from _recoded(iter(lambda: file.read(CHUNK_BYTES), b""))


def _recoded(parts: Iterator[bytes], *, tolerant: bool = False) -> Iterator[bytes]:
    first = next(parts, b"")
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from parts
        return
    # Unpaired surrogates survive as three bytes that no UTF-8 decoder takes: the record they
    # stand in becomes unreadable, its neighbours do not.
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    yield decoder.decode(first).encode("utf-8", "surrogatepass")
    for part in parts:
        yield decoder.decode(part).encode("utf-8", "surrogatepass")
    if not tolerant and decoder.getstate()[0]:
        yield b"\xff"  # half a code unit at the end: not UTF-8 either


def lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file; of one over `MAX_RECORD_BYTES` only its start, `whole=False`."""
    number, tail, cut = 0, b"", False
    for chunk in chunks(path):
        first, *others = chunk.split(b"\n")
        tail = tail if cut else tail + first
        if len(tail) > MAX_RECORD_BYTES:
            tail, cut = tail[:HEAD_BYTES], True
        for following in others:
            number += 1
            yield Line(number, tail.removesuffix(b"\r"), not cut, ended=True)
            tail, cut = following, False
    if tail:
        yield Line(number + 1, tail, not cut, ended=False)


def decoded(raw: bytes, position: str) -> str | Unreadable:
    """Return a record's text, or why it has none: `not_utf8`, or `binary` for a NUL."""
    if b"\0" in raw:
        return Unreadable("binary", position, excerpt_of(raw), "A NUL byte stands in the text.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"Byte {error.start} of the record is not UTF-8."
        return Unreadable("not_utf8", position, excerpt_of(raw), detail)


def too_large(position: str, raw: bytes) -> Unreadable:
    """Return the report of a record over the limit, of which `raw` is the start."""
    detail = f"The record is over {MAX_RECORD_BYTES >> 20} MiB, or has millions of parts."
    return Unreadable("record_too_large", position, excerpt_of(raw), detail)


def excerpt_of(value: bytes | str) -> str:
    """Return at most 200 characters that every store takes: no NUL, no unpaired surrogate."""
    start = value[: EXCERPT_CHARACTERS * 4]
    text = start.decode("utf-8", "replace") if isinstance(start, bytes) else start
    cut = text[:EXCERPT_CHARACTERS].replace("\0", "\ufffd")
    return cut.encode("utf-8", "replace").decode("utf-8")


# --- JSON: lines, arrays, or objects one after another --------------------------------------


def json_records(path: Path) -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
    """Yield `(position, object)` from JSON lines, from a JSON array, or from indented objects.

    An array is cut into its items as it streams by, so its size does not matter.  Positions are
    `line 12` or `item 3`, both counted from one.
    """
    if is_lines(head_of(path)):
        for line in lines(path):
            if line.raw.strip():
                position = f"line {line.number}"
                yield position, json_line(line, position)
        return
    for number, piece in enumerate(_pieces(chunks(path)), 1):
        yield _placed(piece, f"item {number}")


class Listed(NamedTuple):
    """An item of a list, or (with `is_header`) the object around the list whose items follow."""

    position: str
    record: dict[str, Any] | Unreadable
    is_header: bool = False


def json_lists(path: Path, key: str) -> Iterator[Listed]:
    """Yield the items of every array under a key, each array led by the object around it.

    Positions are `list 2` for the object (its array and inner objects empty) and
    `list 2, item 3` for an item, whatever the size of the arrays.
    """
    number = item = 0
    cutter = Cutter(MAX_RECORD_BYTES)
    for kind, raw in list_parts(chunks(path), key, MAX_RECORD_BYTES):
        if kind == "part":
            for piece in cutter.feed(raw):
                item += 1
                yield Listed(*_placed(piece, f"list {number}, item {item}"))
            continue
        cutter, number, item = Cutter(MAX_RECORD_BYTES), number + 1, 0
        header = Piece(raw, "truncated_json" * (kind == "cut"))
        yield Listed(*_placed(header, f"list {number}"), is_header=True)
    for piece in cutter.rest():
        yield Listed(*_placed(piece, f"list {number}, item {item + 1}"))


def _placed(piece: Piece, position: str) -> tuple[str, dict[str, Any] | Unreadable]:
    return position, _from_piece(piece, position)


def _pieces(parts: Iterator[bytes]) -> Iterator[Piece]:
    cutter = Cutter(MAX_RECORD_BYTES)
    for part in parts:
        yield from cutter.feed(part)
    yield from cutter.rest()


def is_lines(head: Head) -> bool:
    """Say whether JSON comes a record a line."""
    text = head.text.lstrip()
    return not text.startswith("[") and re.match(r"\{\s*\n", text) is None


def json_line(line: Line, position: str) -> dict[str, Any] | Unreadable:
    """Return the JSON object of a line, or why it has none."""
    if not line.whole:
        return too_large(position, line.raw)
    return json_object(line.raw, position, broken="bad_json" if line.ended else "truncated_line")


def _from_piece(piece: Piece, position: str) -> dict[str, Any] | Unreadable:
    if piece.reason == "record_too_large":
        return too_large(position, piece.raw)
    return json_object(piece.raw, position, broken=piece.reason or "bad_json")


def json_object(raw: bytes, position: str, *, broken: str) -> dict[str, Any] | Unreadable:
    """Return the JSON object in `raw`; `broken` is the reason where it is no JSON at all."""
    if len(raw) > MAX_RECORD_VALUES and sum(map(raw.count, (b",", b"{", b"["))) > MAX_RECORD_VALUES:
        return too_large(position, raw)
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        return _too_deep(position, raw)
    except UnicodeDecodeError as error:
        detail = f"Byte {error.start} of the record is not UTF-8."
        return Unreadable("not_utf8", position, excerpt_of(raw), detail)
    except (msgspec.DecodeError, ValueError) as error:
        return _broken(raw, position, broken, str(error))
    if not isinstance(value, dict):
        return Unreadable("not_an_object", position, excerpt_of(raw), "A record is a JSON object.")
    return value


_HIGH, _LOW = rb"\\u[dD][89abAB]..", rb"\\u[dD][c-fC-F].."
_LONE_SURROGATE = re.compile(rb"%b(?!%b)|(?<!%b)%b" % (_HIGH, _LOW, _HIGH, _LOW))


def _broken(raw: bytes, position: str, reason: str, message: str) -> Unreadable:
    text = decoded(raw, position)
    if isinstance(text, Unreadable):
        return text
    if _LONE_SURROGATE.search(raw):
        reason = "lone_surrogate"
    return Unreadable(reason, position, excerpt_of(text), f"{message}.")


def _too_deep(position: str, raw: bytes) -> Unreadable:
    return Unreadable("too_deep", position, excerpt_of(raw), "The record nests too deeply.")
