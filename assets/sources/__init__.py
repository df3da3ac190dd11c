"""Readers: one format a file, all yield `Dialogue`, told apart by content.

Walk the given paths, read each file; whatever cannot be read comes out as `Unreadable`:

    for found in walk([Path("exports")]):
        items = [found.problem] if found.problem else read(found.path, root=found.root)

To add a format: a module with a `SOURCE`, and its line in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from assets.sources import (
    alpaca,
    baize,
    chatgpt,
    claude,
    gateway,
    human_assistant,
    messages,
    nexus,
    no_dialogue,
    oasst,
    packed,
    pairs,
    plain_text,
    rsg,
    saiga,
    sharegpt,
    telegram,
    triples,
)
from assets.sources.encodings import problem_with
from assets.sources.files import Found, is_inside, walk
from assets.sources.reading import Head, Item, Options, Source, excerpt_of, head_of
from lake.schemas import Unreadable

__all__ = ["SOURCES", "Found", "Item", "Options", "Source", "detect", "read", "walk"]

# In the order of asking: from the most particular mark to the least.
SOURCES: tuple[Source, ...] = (
    nexus.SOURCE,
    gateway.SOURCE,
    chatgpt.SOURCE,
    claude.SOURCE,
    telegram.SOURCE,
    oasst.SOURCE,
    baize.SOURCE,
    saiga.SOURCE,
    pairs.SOURCE,
    alpaca.SOURCE,
    human_assistant.SOURCE,
    sharegpt.SOURCE,
    messages.SOURCE,
    rsg.SOURCE,
    triples.SOURCE,
    no_dialogue.SOURCE,
    plain_text.SOURCE,
)


def detect(path: Path) -> Source | None:
    """Return the format of a file by its first 64 KiB, None if no reader knows it."""
    return _recognised(head_of(path))


def read(path: Path, *, root: Path, options: Options | None = None) -> Iterator[Item]:
    """Yield every record of a file; bad content never raises, it is an `Unreadable`.

    A file that, links followed, lies outside of `root` is not opened.  Of a packed file the
    members are read; the position of what stands in a zip begins with `export.zip!its name: `.
    """
    if not is_inside(path, root):
        yield Unreadable("outside_link", detail="It points out of the given folder.")
        return
    try:
        yield from _Reading(options or Options(), packed.Budget.of(path)).items(path, path.name)
    except OSError as error:
        yield Unreadable("io_error", detail=f"{error.strerror or error}.")


@dataclass(frozen=True, slots=True)
class _Reading:
    """The reading of one given file, and of everything that is packed in it."""

    options: Options
    budget: packed.Budget

    def items(self, path: Path, name: str, depth: int = 0) -> Iterator[Item]:
        """Yield a file's records; `name` is what the archive is called whose members it holds."""
        head = head_of(path)
        if packing := packed.packing_of(head.raw):
            yield from self._packed(path, packing, name, depth)
        elif problem := problem_with(head):
            yield problem
        else:
            yield from self._plain(path, head)

    def _packed(self, path: Path, packing: str, name: str, depth: int) -> Iterator[Item]:
        if depth == packed.MAX_DEPTH:
            yield Unreadable("nested_too_deep", detail="Packed in what is packed; unpack it.")
            return
        for member in packed.members(path, packing, self.budget):
            if not isinstance(member, packed.Member):
                inside, problem = member
                yield _placed(problem, f"{name}!{inside}" if inside else "")
                continue
            inside = f"{name}!{member.name}" if member.name else ""
            for item in self.items(member.path, inside or name, depth + 1):
                yield _placed(item, inside)

    def _plain(self, path: Path, head: Head) -> Iterator[Item]:
        source = _recognised(head)
        if source is None:
            names = ", ".join(source.name for source in SOURCES)
            detail = f"None of the formats looks like this: {names}."
            yield Unreadable("unknown_format", excerpt=excerpt_of(head.text), detail=detail)
            return
        anything = False
        for item in source.read(path, self.options):
            anything = True
            yield item
        if not anything:
            yield Unreadable("no_records", detail=f"The file holds no record of `{source.name}`.")


def _placed(item: Item, inside: str) -> Item:
    """Return an item whose position says which member of an archive it stands in."""
    if not inside or item.position.startswith(inside):
        return item
    return replace(item, position=f"{inside}: {item.position}" if item.position else inside)


def _recognised(head: Head) -> Source | None:
    return next((source for source in SOURCES if source.recognises(head)), None)
