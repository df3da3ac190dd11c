"""Rules on the text of one message: they repair it and never drop it.

Each rule names its gate, a pattern that a text must hold for the rule to have any work.  One
search for all gates together lets ordinary messages pass at a cost of a search: that is what
makes cleaning fast.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextRule:
    """A repair of text: its name, where it comes from, where it has work, and what it does."""

    name: str
    source: str
    gate: re.Pattern[str]
    apply: Callable[[str], str]


_LINE_ENDS = re.compile(r"\r\n?|[\u0085\u2028\u2029]")
# C0 without tab and line feed, C1, soft hyphen, zero-width signs, direction marks, interlinear
# marks, noncharacters and variation selectors' neighbours that only carry rendering.  U+200D
# stays where it joins emoji; U+FE0F stays, emoji need it.
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]"
    r"|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d"
    r"|\u200d(?![\u2190-\u2bff\U0001f000-\U0001faff])"
)
# 【42†L67-L75】, 【4:0†source】; and ChatGPT's citeturn0search1 between private-use signs,
# of which the importer's own clean-up leaves halves.
_CITATIONS = re.compile(
    r"[ \t]*【[^【】\n]{0,80}†[^【】\n]{0,200}】"
    r"|[ \t]*\ue200(?:cite|navlist|filecite|url|image_group|i)[^\ue201\n]{0,400}\ue201"
    r"|[ \t]*(?<!\w)cite(?:turn\d+(?:search|view|news|file|image|fetch)\d+)+"
    r"|[\ue000-\uf8ff]"
)
_EXOTIC_SPACES = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*?(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.M | re.S)
_TRAILING = re.compile(r"[ \t]+$", re.M)
_BLANK_LINES = re.compile(r"\n{3,}")
# Two spaces inside a line of prose; not in indented lines or tables, where they align.
_RUNS = re.compile(r"^(?![ \t|]).*?\S[ \t]{2,}\S.*$", re.M)
_RUN = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")
_WHITESPACE_WORK = re.compile(
    r"\A\s|\s\Z|[ \t]\n|\n{3}|[ \t]{2}|[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
)


def line_ends(text: str) -> str:
    """Every line ends in a line feed."""
    return _LINE_ENDS.sub("\n", text)


def controls(text: str) -> str:
    """Control characters and invisible signs are removed; joiners inside emoji stay."""
    return _CONTROLS.sub("", text)


def composed(text: str) -> str:
    """Normal form C: «й» is one character, not two."""
    return unicodedata.normalize("NFC", text)


def citations(text: str) -> str:
    """Marks that point to a list of sources that did not come with the text are removed."""
    return _CITATIONS.sub("", text)


def whitespace(text: str) -> str:
    """No blanks at the ends, one blank line at most, one space between words.

    Fenced code keeps every blank, other lines their indentation, tables their columns.
    """
    parts: list[str] = []
    end = 0
    for fence in _FENCE.finditer(text):
        parts += [_prose(text[end : fence.start()]), fence[0]]
        end = fence.end()
    joined = "".join(parts) + _prose(text[end:])
    return joined.strip("\n").rstrip().removeprefix("\n") if joined.strip() else ""


def _prose(text: str) -> str:
    text = _TRAILING.sub("", _EXOTIC_SPACES.sub(" ", text))
    return _RUNS.sub(lambda line: _RUN.sub(" ", line[0]), _BLANK_LINES.sub("\n\n", text))


# Combining marks and the singletons that normal form C replaces; jamo; anything above the BMP's
# simple scripts is asked of `unicodedata` itself, which answers at once for Russian.
_MAY_DECOMPOSE = re.compile(
    r"[\u0300-\u036f\u0340-\u0387\u0483-\u0487\u0591-\u10ff\u1100-\U0010ffff]"
)

TEXT_RULES = (
    TextRule("line_ends", "Unicode 5.8, newline guidelines", _LINE_ENDS, line_ends),
    TextRule("control_characters", "Unicode 23.2 and 23.8", _CONTROLS, controls),
    TextRule("nfc", "Unicode Standard Annex 15", _MAY_DECOMPOSE, composed),
    TextRule("citation_marks", "ChatGPT's deep research and search exports", _CITATIONS, citations),
    TextRule("whitespace", "Saiga and FastChat; code keeps its own", _WHITESPACE_WORK, whitespace),
)
_ANY_WORK = re.compile("|".join(rule.gate.pattern for rule in TEXT_RULES), re.M)


def clean_text(text: str) -> str:
    """Return the text with every rule applied until none has work; idempotent.

    One rule may make work for another (a sign removed brings a letter and its accent together),
    so they go round.  All but NFC only remove, so the round ends.
    """
    while _ANY_WORK.search(text):
        before = text
        for rule in TEXT_RULES:
            if rule.gate.search(text):
                text = rule.apply(text)
        if text == before:
            break
    return text
