"""Prompts as files: TOML tables of templates in a folder `prompts/` beside the code that asks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def written(folder: Path, file: str, key: str, **values: str) -> str:
    """Return the prompt `key` of `<folder>/<file>.toml` with values put in."""
    return _file(folder / f"{file}.toml")[key].strip().format(**values)


@cache
def _file(path: Path) -> Mapping[str, str]:
    content: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))
    return content
