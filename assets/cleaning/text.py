"""Rules on the text of one message: they repair it and never drop it.

The gates are single character classes and short literals, so that the union of all of them can
look through a column of messages at memory speed; ordinary messages meet no rule.
"""

from __future__ import annotations

import re
import unicodedata

from assets.cleaning import hypertext, leftovers, mojibake, scripts
from assets.cleaning.prose import FENCE
from assets.cleaning.rules import TextRule

_LINE_ENDS = re.compile(r"\r\n?|[\u0085\u2028\u2029]")
# C0 without tab and line feed, C1, soft hyphen, zero-width signs, direction marks, invisible
# operators, interlinear marks and noncharacters.  U+200D stays where it joins emoji.
_INVISIBLE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f"
    r"\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
)
_EMOJI = r"\u2190-\u2bff\U0001f000-\U0001faff"
_CONTROLS = re.compile(rf"[{_INVISIBLE}]|(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
# Whatever normal form C may compose, reorder or replace (UAX 15's NFC_Quick_Check, rounded up to
# blocks): combining signs, the scripts that have them, and compatibility characters.
_COMPOSABLE = (
    r"\u0300-\u0387\u0483-\u0489\u0591-\u1dff\u1f00-\u2001\u20d0-\u212b\u2329-\u232a\u2adc"
    r"\u2cef-\u2dff\u302a-\u309a\ua66f-\uabff\ud7b0-\ud7ff\uf900-\ufb4f\ufe20-\ufe2f"
    r"\U000101fd-\U0001f000\U0002f800-\U0002fa1f"
)
# 【42†L67-L75】, 【4:0†source】; and ChatGPT's citeturn0search1 between private-use signs,
# of which the importer's own clean-up leaves halves.
_CITATIONS = re.compile(
    r"(?<![ \t])[ \t]*【[^【】\n]{0,80}†[^【】\n]{0,200}】"
    r"|(?<![ \t])[ \t]*\ue200(?:cite|navlist|filecite|url|image_group|i)[^\ue201\n]{0,400}\ue201"
    r"|(?<![ \t])[ \t]*(?<!\w)cite(?:turn\d+(?:search|view|news|file|image|fetch)\d+)+"
    r"|[\ue000-\uf8ff]"
)
_SPACES = r"\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_EXOTIC_SPACES = re.compile(f"[{_SPACES}]")
_BLANK = r"[\s\x1c-\x1f]"  # what `str.strip` takes off: Rust's `\s` lacks the separators
# Blank lines at the top, and up to three blanks before the first word: four are code (CommonMark).
_FIRST_LINE = re.compile(r"\A(?:[ \t]*\n)*(?: {0,3}(?![ \t]))?")
_TRAILING = re.compile(r"(?<![ \t])[ \t]+$", re.M)
_BLANK_LINES = re.compile(r"\n{3,}")
# Two spaces inside a line of prose; not in indented lines or tables, where they align.
_RUNS = re.compile(r"^(?![ \t|]).*?\S[ \t]{2,}\S.*$", re.M)
_RUN = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")


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
    for fence in FENCE.finditer(text):
        parts += [_prose(text[end : fence.start()]), fence[0]]
        end = fence.end()
    joined = "".join(parts) + _prose(text[end:])
    return _FIRST_LINE.sub("", joined).rstrip()


def _prose(text: str) -> str:
    text = _TRAILING.sub("", _EXOTIC_SPACES.sub(" ", text))
    return _RUNS.sub(lambda line: _RUN.sub(" ", line[0]), _BLANK_LINES.sub("\n\n", text))


# Wrong encodings first: their signs are bytes that the next rules would take for line ends and
# control characters.
TEXT_RULES = (
    TextRule(
        "encoding",
        "ftfy 6.3.1, accepted where text becomes more Russian",
        mojibake.GATE,
        mojibake.encoding,
    ),
    TextRule("line_ends", "Unicode 5.8, newlines", r"[\r\u0085\u2028\u2029]", line_ends),
    TextRule("control_characters", "Unicode 23.2, 23.8", rf"[{_INVISIBLE}\u200d]", controls),
    TextRule("nfc", "Unicode Standard Annex 15", f"[{_COMPOSABLE}]", composed),
    TextRule(
        "hypertext",
        "FastChat's clean_sharegpt, by markdownify 1.2",
        hypertext.GATE,
        hypertext.hypertext,
    ),
    TextRule(
        "buttons", "FastChat's clean_sharegpt, lines only", leftovers.BUTTONS, leftovers.buttons
    ),
    TextRule(
        "template_ends",
        "chat templates of ChatML, Llama, Gemma and Phi",
        leftovers.ENDS,
        leftovers.ends,
    ),
    TextRule("spoilers", "Telegram and Discord", leftovers.SPOILER, leftovers.spoilers),
    TextRule(
        "citation_marks",
        "ChatGPT's research and search answers",
        r"[【\ue000-\uf8ff]|citeturn",
        citations,
    ),
    TextRule("twins", "Unicode Technical Standard 39, confusables", scripts.SEAM, scripts.twins),
    TextRule(
        "whitespace",
        "Saiga and FastChat; code keeps its own",
        rf"  |\t| \n|\n\n\n|[{_SPACES}]|^{_BLANK}|{_BLANK}$",
        whitespace,
    ),
)
MOST_ROUNDS = 50  # two are usual; tags within tags take one a level
_GATED = tuple((re.compile(rule.gate).search, rule.apply) for rule in TEXT_RULES)


def clean_text(text: str) -> str:
    """Return the text with every rule applied until none changes it; idempotent.

    One rule may make work for another (a sign removed brings a letter and its accent together),
    so they go round.  Each brings a text nearer to what none of them changes, so the round ends;
    a text that is nested for more rounds than any person writes stays as it then is.
    """
    for _ in range(MOST_ROUNDS):
        repaired = _once(text)
        if repaired == text:
            break
        text = repaired
    return text


def _once(text: str) -> str:
    for has_work, apply in _GATED:
        if has_work(text):
            text = apply(text)
    return text
