"""Finding the files of given paths, and never one outside of them.

Symbolic links are not followed: what a link inside the folder points to is found under its own
name, and what it points to elsewhere was not given.  Whatever is no readable regular file is
reported, so that a person sees why it did not arrive.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lake.schemas import Unreadable

# Version control and the caches of desktops and of Obsidian: never dialogues.
IGNORED = frozenset({".git", ".hg", ".svn", ".DS_Store", ".obsidian", ".trash", "Thumbs.db"})


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a given path, or (with `problem`) what stands there instead.

    `root` is the given folder, or the folder of the given file, resolved.
    """

    path: Path
    root: Path
    problem: Unreadable | None = None

    @property
    def name(self) -> str:
        """The path inside the root, as text that every store takes."""
        inside = os.fsencode(os.path.relpath(self.path, self.root))
        return inside.decode("utf-8", "backslashreplace")


def walk(paths: Iterable[Path]) -> Iterator[Found]:
    """Yield every file of the given files and folders once, each folder in order of names.

    A given path that is itself a link is followed, since it was named.
    """
    seen: set[Path] = set()
    for given in paths:
        try:
            resolved = given.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            reason = "not_found" if isinstance(error, FileNotFoundError) else "link_loop"
            yield Found(given, given.parent, Unreadable(reason, detail=_plainly(error)))
            continue
        root = resolved if resolved.is_dir() else resolved.parent
        for found in _under(resolved, root):
            if found.path not in seen:
                seen.add(found.path)
                yield found


def is_inside(path: Path, root: Path) -> bool:
    """Return whether a path, all links followed, lies in the root."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def _under(path: Path, root: Path) -> Iterator[Found]:
    waiting = [path]
    while waiting:
        here = waiting.pop()
        try:
            mode = here.lstat().st_mode
            problem = _problem(here, mode, root)
            if problem is None and stat.S_ISDIR(mode):
                waiting += sorted(here.iterdir(), key=os.fsencode, reverse=True)
                continue
        except OSError as error:
            problem = Unreadable("not_permitted", detail=_plainly(error))
        yield Found(here, root, problem)


def _problem(path: Path, mode: int, root: Path) -> Unreadable | None:
    if path.name in IGNORED and path != root:
        return Unreadable("ignored", detail="Kept by another program; never dialogues.")
    if stat.S_ISLNK(mode):
        return _link(path, root)
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return Unreadable("special_file", detail="A pipe, a socket or a device; it is not opened.")
    return None


def _link(path: Path, root: Path) -> Unreadable:
    try:
        target = path.resolve(strict=True)
    except FileNotFoundError:
        return Unreadable("broken_link", detail="Nothing stands where the link points.")
    except (OSError, RuntimeError):
        return Unreadable("link_loop", detail="The link leads back to itself.")
    if target.is_relative_to(root):
        return Unreadable("inside_link", detail="Its target is read under its own name.")
    return Unreadable("outside_link", detail="It points out of the given folder.")


def _plainly(error: Exception) -> str:
    return f"{getattr(error, 'strerror', None) or 'the links form a loop'}."
