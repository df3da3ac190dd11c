"""The policy of cleaning: the numbers that rules work with, and an id that names them all.

The values stand in `policy.toml`, each with its reason; a file of one's own replaces some of them.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from lake.errors import SettingsError
from lake.ids import content_id, json_id

POLICY_FILE = Path(__file__).parent / "policy.toml"
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Policy:
    """What is fit to train on; `policy.toml` has each value's meaning and reason."""

    languages: tuple[str, ...]
    min_answer_characters: Count
    min_characters: Count
    max_characters: Count
    max_messages: Count
    min_foreign_words: Count
    min_repetition_words: Annotated[int, Field(ge=50)]
    min_shrinking: Annotated[float, Field(ge=1)]
    max_repeated_lines: Share
    max_top_ngrams: tuple[Share, Share, Share]
    max_repeated_spans: Share
    near_percent: Annotated[int, Field(ge=0, le=100)]
    near_asked_percent: Annotated[int, Field(ge=0, le=100)]
    near_short_percent: Annotated[int, Field(ge=0, le=100)]
    near_slip_percent: Annotated[int, Field(ge=0, le=100)]
    near_slip_letters: Count

    @property
    def policy_id(self) -> str:
        """The id of these values and of the rules' code: another id, and all is cleaned again."""
        return content_id(json_id(asdict(self)), _code_id())


def load_policy(changes: Path | None = None) -> Policy:
    """Return the shipped policy, with the values that a TOML file changes.

    `SettingsError` names what is unknown, with the nearest spelling, or of the wrong kind.
    """
    values = _read(POLICY_FILE)
    if changes is not None:
        values |= _known(changes.name, _read(changes))
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    try:
        return Policy(**values | lists)
    except ValidationError as error:
        raise _explained(changes or POLICY_FILE, error) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"The cleaning policy `{path}` cannot be read: {error}.",
            hint="it is TOML, as in `assets/cleaning/policy.toml`",
        ) from None


def _known(file: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    known = [field.name for field in fields(Policy)]
    for name in changes:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise SettingsError(
                f"`{file}` has the unknown key `{name}`.",
                hint=f"did you mean `{close[0]}`?" if close else f"the keys are {', '.join(known)}",
            )
    return changes


def _explained(path: Path, error: ValidationError) -> SettingsError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return SettingsError(
        f"`{name}` in `{path.name}` cannot be {first['input']!r}: {first['msg']}.",
        hint="`assets/cleaning/policy.toml` shows every key with its meaning",
    )


@cache
def _code_id() -> str:
    """Return the id of everything in this package that decides: its code and its phrases."""
    root = Path(__file__).parent
    files = sorted(f for f in root.rglob("*") if f.suffix in (".py", ".txt"))
    return content_id(*(part for f in files for part in (str(f.relative_to(root)), f.read_bytes())))
