"""The constitution: principles that a critique is drawn from."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("principles.toml")


@dataclass(frozen=True, slots=True)
class Principle:
    """One principle: its name, its word in the primer, and its two requests in Russian."""

    name: str
    primer: str
    critique: str
    revision: str


@cache
def principles(path: Path = FILE) -> tuple[Principle, ...]:
    """Return the principles of a constitution, in the order of the file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(Principle(name=name, **values) for name, values in content.items())


def schooled() -> tuple[Principle, ...]:
    """Return the principles that the embedded base has met."""
    return tuple(p for p in principles() if p.primer)
