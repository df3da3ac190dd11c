"""What a model said and may never teach: a list of expressions, and a hook of the owner's own.

The list is a file with one regular expression a line, `#` for comments, letter case aside; the
line that matches is the reason.  The hook is a function `module:name` from a text to a reason,
empty for none; it is code of the owner's own machine, named in the settings and nowhere else.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from lake.errors import SettingsError
from lake.ids import content_id
from lake.settings import Settings

Moderate = Callable[[str], str]
ORDINARY = "Съешь ещё этих мягких французских булок, да выпей чаю. 1 + 2 = 3, isn't it?"
"""What nobody forbids: an expression that matches without a sign of it would match every text."""

SHOWN = 60
"""Characters of a bad line that an error shows."""

HOOK_HINT = "`self_chat.moderation_hook` is `module:function`, from a text to a reason or ''"


def of(settings: Settings) -> Moderate:
    """Return the function from a text to the reason why it may not be taught, or ''.

    Raise `SettingsError` for a line or a hook that cannot be used: before there is any text.
    """
    listed = _listed(settings.self_chat.moderation)
    hook = _hook(settings.self_chat.moderation_hook)

    def moderate(text: str) -> str:
        found = next((line for line, pattern in listed if pattern.search(text)), "")
        return found or hook(text)

    return moderate


def list_id(settings: Settings) -> str:
    """Return the id of what is forbidden: the list's words and the hook's name."""
    path = settings.self_chat.moderation
    return content_id(_read(path) if path else "", settings.self_chat.moderation_hook)


def _listed(path: Path | None) -> list[tuple[str, re.Pattern[str]]]:
    if path is None:
        return []
    lines = [(n, line.strip()) for n, line in enumerate(_read(path).split("\n"), start=1)]
    return [
        (line, _compiled(line, f"`{path}`, line {number}"))
        for number, line in lines
        if line and not line.startswith("#")
    ]


def _compiled(line: str, place: str) -> re.Pattern[str]:
    """Return a line as an expression; one that matches nothing at all would match every text."""
    shown = line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a doubtful reading: `[[` and `--` in a set
            pattern = re.compile(line, re.IGNORECASE)
    except (re.error, ValueError, OverflowError, RecursionError, Warning) as error:
        raise SettingsError(
            f"{place}, is no regular expression: `{shown}`, {error}.",
            hint="write the word as it is, and a backslash before a sign like `(` or `[`",
        ) from None
    if any(
        found.start() == found.end() for text in ("", ORDINARY) for found in pattern.finditer(text)
    ):
        raise SettingsError(
            f"{place}, matches where there is nothing, so in every text: `{shown}`.",
            hint="`*`, `?`, `^` and `\\b` take no letter: write `+`, or the word beside them",
        )
    return pattern


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The moderation list `{path}` cannot be read: {error}.",
            hint="`self_chat.moderation` names a text file, one expression a line",
        ) from None


@cache
def _hook(name: str) -> Moderate:
    if not name:
        return lambda _text: ""
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (Exception, SystemExit) as error:  # noqa: BLE001  the owner's own may fail in any way
        raise SettingsError(
            f"The moderation hook `{name}` cannot be had: {error}.", hint=HOOK_HINT
        ) from None
    if not callable(found):
        raise SettingsError(f"The moderation hook `{name}` is no function.", hint=HOOK_HINT)
    _asked(name, found, ORDINARY)  # one that takes no text fails now, not after the talk
    return lambda text: _asked(name, found, text)


def _asked(name: str, hook: Callable[[str], object], text: str) -> str:
    """Return the hook's word; a hook that fails, or says no text, forbids nothing silently."""
    try:
        said = hook(text)
    except Exception as error:  # noqa: BLE001  the owner's own function may fail in any way
        raise SettingsError(
            f"The moderation hook `{name}` failed: {error!r}.", hint=HOOK_HINT
        ) from None
    if not isinstance(said, str):
        raise SettingsError(
            f"The moderation hook `{name}` gave {said!r}, which is no text.", hint=HOOK_HINT
        )
    return said
