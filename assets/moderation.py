"""What a model said and may never teach: a list of expressions, and a hook of the owner's own.

The list is a file with one regular expression a line, `#` for comments, letter case aside; the
line that matches is the reason.  The hook is a function `module:name` from a text to a reason,
empty for none; it is code of the owner's own machine, named in the settings and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from lake.errors import SettingsError
from lake.ids import content_id
from lake.settings import Settings

Moderate = Callable[[str], str]
HOOK_HINT = "`self_chat.moderation_hook` is `module:function`, from a text to a reason or ''"


def of(settings: Settings) -> Moderate:
    """Return the function from a text to the reason why it may not be taught, or ''."""
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
    lines = [line.strip() for line in _read(path).splitlines()] if path else []
    return [(line, _compiled(line, path)) for line in lines if line and not line.startswith("#")]


def _compiled(line: str, path: Path | None) -> re.Pattern[str]:
    """Return a line as an expression; one that matches nothing at all would match every text."""
    try:
        pattern = re.compile(line, re.IGNORECASE)
    except re.error as error:
        raise SettingsError(
            f"`{path}` has a line that is no regular expression: `{line}`, {error}.",
            hint="write the word as it is, and a backslash before a sign like `(`",
        ) from None
    if pattern.search(""):
        raise SettingsError(
            f"`{path}` has a line that matches even an empty text: `{line}`.",
            hint="`*` and `?` allow nothing at all: write `+`, or leave them out",
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
    except Exception as error:  # noqa: BLE001  the owner's own module may fail in any way
        raise SettingsError(
            f"The moderation hook `{name}` cannot be had: {error}.", hint=HOOK_HINT
        ) from None
    if not callable(found):
        raise SettingsError(f"The moderation hook `{name}` is no function.", hint=HOOK_HINT)
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
