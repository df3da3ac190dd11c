"""Cutting a stream of JSON bytes into its records, without decoding them.

Only brackets and strings are looked at; what a record is worth, the decoder says.  A record cut
off by the end of the file, or larger than the limit, comes out with the reason, and memory is that
of one record, however long the stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

KEPT_BYTES = 1 << 16  # of a record over the limit, for its excerpt

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRINGS = rb'[^"\[\]{}]*+(?:%b[^"\[\]{}]*+)*+' % _STRING
_WHOLE_STRINGS = re.compile(_STRINGS, re.DOTALL)
_TO_BRACKET = re.compile(_STRINGS + rb"[\[\]{}]", re.DOTALL)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_LOOSE = re.compile(rb"%b|[^,\s]+" % _STRING, re.DOTALL)
_TOKEN = re.compile(r'"((?:[^"\\]++|\\.)*+)(?:"(\s*:)?|\Z)|[\[\]{}]', re.DOTALL)


class Piece(NamedTuple):
    """A record's bytes, and why it is none: a reason, or ""."""

    raw: bytes
    reason: str = ""


def own_keys(text: str) -> frozenset[str]:
    """Return the keys of the first object in a JSON text, not those of objects inside it.

    The text may be cut off anywhere; "" and what is no JSON have no keys.
    """
    keys: set[str] = set()
    depth = own = 0
    if not text.startswith(("{", "[")):
        return frozenset()
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            depth += 1
            own = own or depth * (token[0] == "{")
        elif token[0] in "]}":
            depth -= 1
            if depth < own:
                break
        elif token[2] and depth == own:
            keys.add(token[1])
    return frozenset(keys)


class _Strings:
    """Whether the stream stands inside a string, so that brackets in texts do not count."""

    def __init__(self) -> None:
        self.inside = self.after_backslash = False

    def brackets(self, chunk: bytes) -> Iterator[int]:
        """Yield where brackets outside of strings stand in the next chunk of the stream."""
        at = int(self.after_backslash)
        self.after_backslash = False
        if self.inside:
            at = self._end(chunk, at)
            if self.inside:
                return
        while found := _TO_BRACKET.match(chunk, at):
            at = found.end()
            yield at - 1
        rest = _WHOLE_STRINGS.match(chunk, at)
        at = rest.end() if rest else at
        if at < len(chunk):
            self.inside = True
            self._end(chunk, at + 1)

    def _end(self, chunk: bytes, at: int) -> int:
        """Return where what follows the string begins, or note that it goes on."""
        found = _IN_STRING.match(chunk, at)
        at = found.end() if found else at
        self.inside = chunk[at : at + 1] != b'"'
        self.after_backslash = self.inside and at < len(chunk)
        return at + 1


class Cutter:
    """Cuts a stream into the items of a top-level array, or into object after object."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.strings = _Strings()
        self.depth = 0
        self.base = 0  # the depth at which records stand: 1 inside an array
        self.collected = bytearray()
        self.size = 0

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield the records that end in the next chunk."""
        start = 0
        for at in self.strings.brackets(chunk):
            if chunk[at] in b"{[":
                if self.depth == self.base:
                    self._collect(chunk[start:at])
                    yield from self._loose()
                    starts_array = self.base == 0 and chunk[at] == ord("[")
                    start, self.base = at + starts_array, self.base + starts_array
                self.depth += 1
                continue
            self.depth = max(self.depth - 1, 0)
            if self.depth < self.base:
                self._collect(chunk[start:at])
                yield from self._loose()
                start, self.base = at + 1, 0
            elif self.depth == self.base:
                self._collect(chunk[start : at + 1])
                yield self._record()
                start = at + 1
        self._collect(chunk[start:])

    def rest(self) -> Iterator[Piece]:
        """Yield what a cut-off stream ends with; nothing if it ended where it should."""
        if self.depth > self.base or self.strings.inside:
            yield self._record("truncated_json")
        else:
            yield from self._loose()
            if self.depth:
                yield Piece(b"", "truncated_json")

    def _record(self, reason: str = "") -> Piece:
        raw = bytes(self.collected).strip(b", \t\r\n")
        reason = "record_too_large" if self.size > self.limit else reason
        self._clear()
        return Piece(raw, reason)

    def _loose(self) -> Iterator[Piece]:
        """Yield what stands between records and is no record: numbers, texts, rubbish."""
        if self.size > self.limit:
            yield self._record()
        for raw in _LOOSE.findall(bytes(self.collected)):
            yield Piece(raw)
        self._clear()

    def _clear(self) -> None:
        self.collected.clear()
        self.size = 0

    def _collect(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self.limit:
            del self.collected[KEPT_BYTES:]
            part = part[: max(KEPT_BYTES - len(self.collected), 0)]
        self.collected += part


def list_parts(parts: Iterable[bytes], key: str, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield every array that stands under a key, however deep, as it streams by.

    First `("header", bytes)`: the object around the array as far as it came before it, the array
    and inner objects empty.  Then `("part", bytes)`: the array's text, to be fed to a `Cutter`.
    `("cut", b"")` comes last where the stream ended too early outside of such an array.
    """
    around = _Around(key, limit)
    for chunk in parts:
        yield from around.feed(chunk)
    if around.list_depth == 0 and (around.depth or around.strings.inside):
        yield "cut", b""


class _Around:
    """What stands around the arrays of a stream: the objects that are open, and their bytes."""

    def __init__(self, key: str, limit: int) -> None:
        self.is_list = re.compile(rb'"%b"\s*:\s*\[\Z' % key.encode())
        self.limit = limit
        self.strings = _Strings()
        self.depth = 0
        self.list_depth = 0  # that of the array that streams by, 0 outside of one
        self.outside = bytearray()
        self.opened: list[int] = []  # where the open objects begin in `outside`

    def feed(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield what the next chunk holds of arrays."""
        start = 0
        for at in self.strings.brackets(chunk):
            opens = chunk[at] in b"{["
            self.depth = max(self.depth + (1 if opens else -1), 0)
            if self.list_depth == 0:
                self._keep(chunk[start : at + 1])
                start = at + 1
                if self._nest(opens=opens):
                    yield "header", bytes(self.outside[self.opened[-1] :]) + b"]}"
                    start, self.list_depth = at, self.depth
            elif self.depth < self.list_depth:
                yield "part", chunk[start : at + 1]
                self._keep(b"]")
                start, self.list_depth = at + 1, 0
        if self.list_depth:
            yield "part", chunk[start:]
        else:
            self._keep(chunk[start:])

    def _nest(self, *, opens: bool) -> bool:
        """Take the bracket that `outside` ends with; return whether it opens a wanted array."""
        if self.outside.endswith(b"{"):
            self.opened.append(len(self.outside) - 1)
        elif self.outside.endswith(b"}") and self.opened:
            self.outside[self.opened.pop() :] = b"{}"
        return opens and bool(self.opened) and bool(self.is_list.search(self.outside[-200:]))

    def _keep(self, part: bytes) -> None:
        self.outside += part
        if len(self.outside) > self.limit:
            self.outside.clear()
            self.opened = [0] * len(self.opened)
