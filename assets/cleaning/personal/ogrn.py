"""ОГРН and ОГРНИП: a company in the state register (13 digits), an entrepreneur (15)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import (
    BEGIN,
    END,
    NINE_DIGITS,
    Kind,
    Span,
    digits_of,
    is_of_a_thing,
)

# Kind of record, year from 2002, region: Government Decree 438 of 19.06.2002, paragraph 8.
_SHAPE = r" ?(?:0[2-9]|[1-4][0-9]) ?(?:0[1-9]|[1-9][0-9])"
_NUMBER = re.compile(rf"[135]{BEGIN}{_SHAPE}(?: ?[0-9]){{8}}(?: ?[0-9] ?[0-9])?{END}")


def find(text: str, _before: str) -> Iterator[Span]:
    """Yield every number whose shape and check digit hold."""
    for match in _NUMBER.finditer(text):
        number = digits_of(match[0])
        if is_valid(number) and not is_of_a_thing(text, match.start()):
            yield Span(*match.span(), number)


def is_valid(number: str) -> bool:
    """Say whether the last digit is the rest of the others modulo 11, of an entrepreneur's 13.

    python-stdnum 2.2 compares the whole rest modulo 13, which loses three of thirteen numbers.
    """
    is_entrepreneur = number[0] == "3"
    if len(number) != (15 if is_entrepreneur else 13):
        return False
    return int(number[:-1]) % (13 if is_entrepreneur else 11) % 10 == int(number[-1])


OGRN = Kind("ogrn", "ОГРН", NINE_DIGITS, find)
