"""Readers: one format a file, all yield `Dialogue`, told apart by content.

Walk the given paths, read each file; whatever cannot be read comes out as `Unreadable`:

    for found in walk([Path("exports")]):
        items = [found.problem] if found.problem else read(found.path, root=found.root)

To add a format: a module with a `SOURCE`, and its line in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assets.sources import (
    chatgpt,
    gateway,
    human_assistant,
    messages,
    nexus,
    plain_text,
    sharegpt,
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
    human_assistant.SOURCE,
    sharegpt.SOURCE,
    messages.SOURCE,
    plain_text.SOURCE,
)


def detect(path: Path) -> Source | None:
    """Return the format of a file by its first 64 KiB, None if no reader knows it."""
    return _recognised(head_of(path))


def read(path: Path, *, root: Path, options: Options | None = None) -> Iterator[Item]:
    """Yield every record of a file as `Dialogue` or `Unreadable`; bad content never raises.

    A file that, links followed, lies outside of `root` is not opened.
    """
    if not is_inside(path, root):
        yield Unreadable("outside_link", detail="It points out of the given folder.")
        return
    try:
        yield from _read(path, options or Options())
    except OSError as error:
        yield Unreadable("io_error", detail=f"{error.strerror or error}.")


def _read(path: Path, options: Options) -> Iterator[Item]:
    head = head_of(path)
    if problem := problem_with(head):
        yield problem
        return
    source = _recognised(head)
    if source is None:
        detail = f"None of the formats looks like this: {', '.join(s.name for s in SOURCES)}."
        yield Unreadable("unknown_format", excerpt=excerpt_of(head.text), detail=detail)
        return
    anything = False
    for item in source.read(path, options):
        anything = True
        yield item
    if not anything:
        yield Unreadable("no_records", detail=f"The file holds no record of `{source.name}`.")


def _recognised(head: Head) -> Source | None:
    return next((source for source in SOURCES if source.recognises(head)), None)
