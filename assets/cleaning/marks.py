"""Faults that are shown and lower the quality of a dialogue, but drop nothing.

Large models stumble in the middle of good answers: another language breaks into a word, a
pictograph stands where a sign should.  Such an answer is worth keeping, and worth knowing of.
"""

from __future__ import annotations

import re

from assets.cleaning.prose import prose
from assets.cleaning.rules import MarkRule
from assets.cleaning.scripts import SEAM, mixed_words

# Emoji proper; stars, ticks and arrows are used as text («рейтинг 4★»).
_PICTOGRAPH = r"(?:[\U0001f300-\U0001faff]|[\u2600-\u27bf]\ufe0f)"
# Between a word, number or sign of quantity and a digit or small letter.  «Привет😊Как дела» only
# lacks a blank, «раз 🌟 два» and «📞8-800» lack nothing.
_GLUED = re.compile(
    rf"[^\s]{{0,20}}[\w~≈±№#$€₽]{_PICTOGRAPH}[\ufe0f\u200d]*(?:\d|[a-zа-яё])[^\s]{{0,20}}"
)


def glued_pictographs(text: str) -> list[str]:
    """Return the places where a pictograph stands inside a word or before its number."""
    return [place[0] for place in _GLUED.finditer(prose(text))]


MARK_RULES = (
    MarkRule(
        "mixed_scripts", "glitches of GPT-4o and Saiga: `шлифуяConsistencyи`", SEAM, mixed_words
    ),
    MarkRule("glued_pictograph", "a glitch of GPT-4o: `~🔩13 ГБ`", _PICTOGRAPH, glued_pictographs),
)
