"""СНИЛС: the number of a person's pension account, `112-233-445 95`, eleven digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import (
    BEGIN,
    END,
    NINE_DIGITS,
    Kind,
    Span,
    context,
    digits_of,
    is_of_a_thing,
)

_DASH = r"[ \u00a0./\u2010-\u2015-]"
_NUMBER = re.compile(
    rf"[0-9]{BEGIN}[0-9]{{2}}{_DASH}?[0-9]{{3}}{_DASH}?[0-9]{{3}}{_DASH}?[0-9]{{2}}{END}"
)
_NAMED = re.compile(r"снилс|snils|пенсионн|пфр|страхов\w+ (?:номер|свидетельств)")
UNCHECKED = 1_001_998  # numbers up to 001-001-998 were given out without a checksum


def find(text: str, before: str) -> Iterator[Span]:
    """Yield every number whose checksum holds; eleven bare digits may be a phone."""
    for match in _NUMBER.finditer(text):
        number = digits_of(match[0])
        if not is_valid(number) or is_of_a_thing(text, match.start()):
            continue
        may_be_phone = match[0].isdigit() and number[0] in "78" and number[1] in "3489"
        if not may_be_phone or _NAMED.search(context(text, match.start(), before)):
            yield Span(*match.span(), number)


def is_valid(number: str) -> bool:
    """Say whether the checksum of eleven digits holds.

    Nine digits weighted from 9 to 1, modulo 101, where 100 counts as 0 (the Pension Fund's rules
    of individual accounts).  python-stdnum 2.2 has no СНИЛС.
    """
    weighted = sum(
        int(digit) * weight for digit, weight in zip(number, range(9, 0, -1), strict=False)
    )
    return int(number[:9]) > UNCHECKED and weighted % 101 % 100 == int(number[9:])


SNILS = Kind("snils", "СНИЛС", NINE_DIGITS, find)
