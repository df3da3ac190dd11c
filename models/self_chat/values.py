"""Values from a shipped file, with those of one's own file over them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from lake.errors import SettingsError

Values = TypeVar("Values", bound=BaseModel)


def load(shape: type[Values], shipped: Path, own: Path | None) -> Values:
    """Return the values of `shipped`, changed by those of `own`; `SettingsError` if it is wrong."""
    values = tomllib.loads(shipped.read_text(encoding="utf-8"))
    try:
        changes = tomllib.loads(own.read_text(encoding="utf-8")) if own else {}
        return shape.model_validate({**values, **changes})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        problem = _first(error) if isinstance(error, ValidationError) else str(error)
        raise SettingsError(
            f"`{own}` cannot be used: {problem}.",
            hint=f"models/self_chat/{shipped.name} has every key with its meaning",
        ) from error


def _first(error: ValidationError) -> str:
    """Return the first thing that is wrong, without pydantic's address for more."""
    first = error.errors()[0]
    return f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"
