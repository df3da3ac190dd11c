"""Text that was read in the wrong encoding: «РџСЂРёРІРµС‚», «ÐŸÑ€Ð¸Ð²ÐµÑ‚», «Ïðèâåò».

The first two are UTF-8 taken for windows-1251 or windows-1252; `ftfy` undoes them.  The third is
windows-1251 taken for windows-1252, which `ftfy` does not know.  Whatever is proposed counts only
where the share of Russian letters rises: `ftfy` alone also repairs what is right (it makes
«а тест» of «Р Р° тест»).
"""

from __future__ import annotations

import re

# Each Russian letter of UTF-8 is two bytes, of which windows-1251 makes «Р» or «С» and one of
# these; windows-1252 makes «Ð» or «Ñ» and one of those.  Two in a row are no accident: «КПСС»» is
# one.  A dash or quotation mark begins with `вЂ` or `â€`.
_AFTER_CYRILLIC = (
    r"\u0080-\u00bb\u0402-\u040f\u0452-\u045f\u0490\u0491\u2013-\u203a\u20ac\u2116\u2122"
)
_AFTER_LATIN = r"\u0080-\u00bf\u0152-\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
_DOUBLE = (
    rf"(?:[РС][{_AFTER_CYRILLIC}]){{2}}|вЂ[{_AFTER_CYRILLIC}]"
    rf"|(?:[ÐÑ][{_AFTER_LATIN}]){{2}}|â€|Â[\u00a0-\u00bf]|Ã[\u0080-\u00bf]"
)
# Five accented letters in a row stand in no language's prose, and hardly in talk about letters.
_ONE_BYTE = "[À-ÿ¸¨]{5}"
# The first two signs of each of these: one class each, for speed.
GATE = rf"[РСвÀ-ÿ¸¨][{_AFTER_CYRILLIC}{_AFTER_LATIN}À-ÿ]"
_HAS_DOUBLE = re.compile(_DOUBLE)
_HAS_ONE_BYTE = re.compile(_ONE_BYTE)
_UPPER_HALF = re.compile(r"[\x80-\x97\x99-\xff]+")  # windows-1251 has no 0x98
_RUSSIAN = re.compile("[А-Яа-яЁё]")


def encoding(text: str) -> str:
    """A line read in the wrong encoding is read in the right one, if that makes it more Russian."""
    return "\n".join(_repaired(line) for line in text.split("\n"))


def _repaired(line: str) -> str:
    if _HAS_DOUBLE.search(line):
        return _if_more_russian(line, _decoded_once_more(line))
    if _HAS_ONE_BYTE.search(line) and not _RUSSIAN.search(line):
        return _if_more_russian(line, _UPPER_HALF.sub(_in_cyrillic, line))
    return line


def _decoded_once_more(line: str) -> str:
    from ftfy import fix_encoding

    return fix_encoding(line)


def _in_cyrillic(part: re.Match[str]) -> str:
    return part[0].encode("latin-1").decode("cp1251")


def _if_more_russian(line: str, proposed: str) -> str:
    return proposed if _russian_share(proposed) > _russian_share(line) else line


def _russian_share(line: str) -> float:
    signs = len("".join(line.split()))
    return len(_RUSSIAN.findall(line)) / signs if signs else 0.0
