"""ИНН: the number of a taxpayer, ten digits of a company or twelve of a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import (
    BEGIN,
    NINE_DIGITS,
    Kind,
    Span,
    digits_of,
    is_of_a_thing,
    surroundings,
)

_NUMBER = re.compile(rf"[0-9]{BEGIN}(?: ?[0-9]){{9}}(?: ?[0-9] ?[0-9])?(?![\w*]|[.,-][0-9])")
_NAMED = re.compile(r"инн|(?<!\w)inn(?!\w)|налогоплательщик|налогов")
_BARE = re.compile(r"[0-9]{12}")


def find(text: str, before: str) -> Iterator[Span]:
    """Yield every number whose checksum holds and which is named.

    Twelve digits in a row need no name: one of a hundred numbers has two right check digits, but
    one of ten has the single one of a company.
    """
    for match in _NUMBER.finditer(text):
        number = digits_of(match[0])
        if not _is_valid(number) or is_of_a_thing(text, match.start()):
            continue
        if _BARE.fullmatch(match[0]) or _NAMED.search(surroundings(text, *match.span(), before)):
            yield Span(*match.span(), number)


def _is_valid(number: str) -> bool:
    """Say whether region and check digits hold; no region is 00."""
    from stdnum.ru import inn

    return number[:2] != "00" and inn.is_valid(number)


INN = Kind("inn", "ИНН", NINE_DIGITS, find)
