"""What is wrong with a file before any format is looked for: empty, binary, another encoding.

Pictures, sounds and documents come with exports by the thousand; dialogues name them, and their
reason is a quiet one.
"""

from __future__ import annotations

import codecs
import re

from assets.sources.reading import Head, excerpt_of
from lake.schemas import Unreadable

# Bytes no text has: C0 controls other than tab, line feed, form feed, return and escape.
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
MAX_CONTROL_SHARE = 0.01
MIN_HIGH_SHARE = 0.9  # of UTF-16's high bytes that are 0 (Latin) or 4 (Cyrillic)
# Above this share of undecodable bytes among the non-ASCII ones, the file is in another encoding;
# below it, single records are broken.  Russian in windows-1251 or KOI8-R has a share near 1.
MAX_BROKEN_SHARE = 0.1
# The five commonest letters of Russian are 42 % of its text.
_COMMON = frozenset("оеаин")
_LEGACY = {"windows-1251": "cp1251", "KOI8-R": "koi8_r", "IBM866": "cp866"}


# The first bytes of what people attach: https://en.wikipedia.org/wiki/List_of_file_signatures.
_MEDIA = re.compile(
    rb"(?P<picture>\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP)"
    rb"|(?P<sound>OggS\0|ID3[\x02-\x04]|RIFF.{4}WAVE|fLaC)"
    rb"|(?P<film>\0.{3}ftyp|\x1aE\xdf\xa3)"
    rb"|(?P<document>%PDF-)",
    re.DOTALL,
)


def problem_with(head: Head) -> Unreadable | None:
    """Return why no reader can take a file that begins like this, None if one may."""
    raw = head.raw
    if not head.text.strip():
        return Unreadable("empty_file", detail="There is nothing in it.")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"PAR1")):
        return None
    if media := _MEDIA.match(raw):
        detail = f"A {media.lastgroup}: it came with a dialogue, which names it."
        return Unreadable("not_a_dialogue", detail=detail)
    return _not_text(raw)


def _not_text(raw: bytes) -> Unreadable | None:
    if b"\0" in raw and (likely := _utf16(raw)):
        return _not_utf8(raw, likely)
    if b"\0" in raw or len(_CONTROLS.findall(raw)) > MAX_CONTROL_SHARE * len(raw):
        return Unreadable("binary", excerpt=excerpt_of(raw), detail="It holds bytes no text has.")
    if _broken_share(raw) > MAX_BROKEN_SHARE:
        return _not_utf8(raw, _legacy(raw))
    return None


def _not_utf8(raw: bytes, likely: str) -> Unreadable:
    detail = f"It is not UTF-8; it looks like {likely}. Convert it: iconv -f {likely} -t UTF-8."
    return Unreadable("not_utf8", excerpt=excerpt_of(raw), detail=detail)


def _utf16(raw: bytes) -> str:
    """Return which UTF-16 it is by where the high bytes of Latin and Cyrillic stand, or ""."""
    even, odd = raw[::2], raw[1::2]
    for name, high in (("UTF-16LE", odd), ("UTF-16BE", even)):
        text = raw.decode(name, "ignore")
        if "\0" not in text and high.count(0) + high.count(4) > MIN_HIGH_SHARE * len(high):
            return name
    return ""


def _broken_share(raw: bytes) -> float:
    """Return the share of undecodable bytes among the non-ASCII ones; a cut end does not count."""
    non_ascii = len(raw) - len(raw.decode("ascii", "ignore"))
    if not non_ascii:
        return 0.0
    valid = len(raw.decode("utf-8", "ignore").encode())
    return max(len(raw) - valid - 3, 0) / non_ascii


def _legacy(raw: bytes) -> str:
    """Return the eight-bit encoding in which the text has most of Russian's commonest letters."""
    counts = {
        name: sum(1 for sign in raw.decode(codec, "ignore") if sign in _COMMON)
        for name, codec in _LEGACY.items()
    }
    return max(counts, key=lambda name: counts[name])
