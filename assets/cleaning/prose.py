"""What of a text is prose and what is code: repairs of words must leave code alone."""

from __future__ import annotations

import re
from collections.abc import Callable

# Fenced blocks, closed or not, and code between single or double backquotes (CommonMark 4.5, 6.1).
FENCE = re.compile(r"^[ \t]*(?:```|~~~).*?(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.M | re.S)
_CODE = re.compile(rf"{FENCE.pattern}|``[^\n]+?``|`[^`\n]+`|\bhttps?://\S+", re.M | re.S)


def in_prose(text: str, repair: Callable[[str], str], *, code: re.Pattern[str] = _CODE) -> str:
    """Return the text with its prose repaired; code and addresses stay as they are."""
    if "`" not in text and "~~~" not in text and "://" not in text:
        return repair(text)
    parts: list[str] = []
    end = 0
    for found in code.finditer(text):
        parts += [repair(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join(parts) + repair(text[end:])


def prose(text: str) -> str:
    """Return the text without its code and addresses, a line feed in their place."""
    if "`" not in text and "~~~" not in text and "://" not in text:
        return text
    return _CODE.sub("\n", text)
