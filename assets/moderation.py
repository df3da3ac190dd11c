"""What may never be taught, whoever said it: a list of words, and a hook of the owner's own.

The list is a file with one regular expression a line, `#` for comments, letter case aside; its
line is the reason.  The hook is a function `module:name` from a text to a reason, empty for none;
it is code of the owner's own machine, named in the settings and nowhere else.
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


def of(settings: Settings) -> Moderate:
    """Return the function from a text to the reason why it may not be taught, or ''."""
    listed = _listed(settings.self_chat.moderation)
    hook = _hook(settings.self_chat.moderation_hook)

    def moderate(text: str) -> str:
        found = listed.search(text) if listed else None
        return found[0].lower() if found else hook(text)

    return moderate


def list_id(settings: Settings) -> str:
    """Return the id of what is forbidden: the list's words and the hook's name."""
    path = settings.self_chat.moderation
    return content_id(_read(path) if path else "", settings.self_chat.moderation_hook)


def _listed(path: Path | None) -> re.Pattern[str] | None:
    lines = [line.strip() for line in _read(path).splitlines()] if path else []
    words = [line for line in lines if line and not line.startswith("#")]
    if not words:
        return None
    try:
        for word in words:
            re.compile(word)
    except re.error as error:
        raise SettingsError(
            f"`{path}` has a line that is no regular expression: {error}.",
            hint="write the word as it is, and a backslash before a sign like `(`",
        ) from None
    return re.compile("|".join(f"(?:{word})" for word in words), re.IGNORECASE)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
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
        found: Moderate = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"The moderation hook `{name}` cannot be had: {error}.",
            hint="`self_chat.moderation_hook` is `module:function`, importable here",
        ) from None
    return found
