"""Faults that are shown and lower the quality of a dialogue, but drop nothing."""

from __future__ import annotations

import re

from assets.cleaning.rules import MarkRule

# A capital in the middle of a word where the alphabet changes: two words ran together, or a
# model fell into another language.  «git-репозиторий» and «3D-модель» change it at a hyphen.
_MIXED = re.compile(r"\w*(?:[а-яё]{2}[A-Za-z]{2}|[A-Za-z]{2}[а-яё]{2})\w*")
_PICTOGRAPH = r"[\u2600-\u27bf\U0001f300-\U0001faff]"
_GLUED = re.compile(rf"\S{{0,20}}[\w~]{_PICTOGRAPH}\ufe0f?[\w]\S{{0,20}}")


def mixed_scripts(text: str) -> list[str]:
    """Return the words that are Cyrillic in one half and Latin in the other."""
    return [word[0] for word in _MIXED.finditer(text)]


def glued_pictographs(text: str) -> list[str]:
    """Return the places where a pictograph stands inside a word or number."""
    return [place[0] for place in _GLUED.finditer(text)]


MARK_RULES = (
    MarkRule(
        "mixed_scripts",
        "a glitch of large models: `шлифуяConsistency`",
        "[а-яё]{2}[A-Za-z]{2}|[A-Za-z]{2}[а-яё]{2}",
        mixed_scripts,
    ),
    MarkRule(
        "glued_pictograph",
        "a glitch of large models: `~🔩13 ГБ`",
        rf"[\w~]{_PICTOGRAPH}",
        glued_pictographs,
    ),
)
