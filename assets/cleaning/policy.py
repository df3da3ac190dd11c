"""The policy of cleaning: the numbers that rules work with, and an id that names them all."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from lake.errors import SettingsError
from lake.ids import content_id

POLICY_FILE = Path(__file__).parent / "policy.toml"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is fit to train on; `policy.toml` has each value's reason."""

    languages: tuple[str, ...] = ("ru", "mixed")
    min_answer_characters: int = 1
    min_characters: int = 6
    max_characters: int = 100_000
    max_messages: int = 400

    @property
    def policy_id(self) -> str:
        """The id of these values and of the rules' code: another id, and all is cleaned again."""
        values = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))
        return content_id(*values, _code_id())


def load_policy(path: Path = POLICY_FILE) -> Policy:
    """Return the policy in a TOML file; `SettingsError` names an unknown key or a wrong type."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {f.name for f in fields(Policy)}
    if unknown := sorted(values.keys() - known):
        raise SettingsError(
            f"`{path.name}` has the unknown key `{unknown[0]}`.",
            hint=f"the keys are {', '.join(sorted(known))}",
        )
    for name, value in values.items():
        _require_type(path, name, value)
    if "languages" in values:
        values["languages"] = tuple(values["languages"])
    return Policy(**values)


def _require_type(path: Path, name: str, value: object) -> None:
    is_list = name == "languages"
    fits = isinstance(value, list) if is_list else type(value) is int and value >= 0
    if not fits:
        wanted = "a list of languages" if is_list else "a number from 0"
        raise SettingsError(f"`{name}` in `{path.name}` is {value!r}.", hint=f"it is {wanted}")


@cache
def _code_id() -> str:
    files = sorted(f for f in Path(__file__).parent.iterdir() if f.suffix in (".py", ".txt"))
    return content_id(*(part for f in files for part in (f.name, f.read_bytes())))
