"""Bank cards: digits of an issuer's range whose Luhn sum holds, in fours or in a row."""

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

_BETWEEN = r"[ \u00a0./\u2010-\u2015-]{0,2}"
_NUMBER = re.compile(rf"[2-6]{BEGIN}(?:{_BETWEEN}[0-9]){{14,18}}{END}")
# In fours, the rest at the end; American Express in four, six and five.
_GROUPS = re.compile(
    r"(?:[0-9]{4}[^0-9]*){3}[0-9]{4,7}|(?:[0-9]{4}[^0-9]*){4}[0-9]{2,3}"
    r"|3[47][0-9]{2}[^0-9]*[0-9]{6}[^0-9]*[0-9]{5}"
)
# Issuers of ISO/IEC 7812 by their first digits: Mir, Visa, Mastercard, Maestro and UnionPay,
# American Express, JCB.
_ISSUER = re.compile(
    r"220[0-4]|4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|50|5[6-9]|6|3[47]|35(?:2[89]|[3-8])"
)


def find(text: str, _before: str) -> Iterator[Span]:
    """Yield every number of a card."""
    from stdnum import luhn

    for match in _NUMBER.finditer(text):
        number = digits_of(match[0])
        is_grouped = _GROUPS.fullmatch(match[0]) is not None
        is_card = is_grouped and _ISSUER.match(number) and luhn.is_valid(number)
        if is_card and not is_of_a_thing(text, match.start()):
            yield Span(*match.span(), number)


CARD = Kind("card", "карта", NINE_DIGITS, find)
