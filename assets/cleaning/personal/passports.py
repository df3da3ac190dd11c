"""Passports: series and number where somebody speaks of a passport."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import BEGIN, NINE_DIGITS, Kind, Span, digits_of, surroundings

# Region and year of the blank, then six digits: Government Decree 828 of 08.07.1997.
_SERIES = r"[0-9] ?(?:9[7-9]|[0-3][0-9])"
_BETWEEN = r"[ \u00a0,.:;/\n-]{0,3}(?:(?:номер|ном\.|№|N)[ \u00a0:№]{0,3})?"
_AMOUNT = r"[ \u00a0]?(?:руб|₽|\$|€|тыс|млн|просмотр|экз|шт|км|человек)"
_INTERNAL = re.compile(
    rf"[0-9]{BEGIN}{_SERIES}{_BETWEEN}[0-9]{{3}} ?[0-9]{{3}}(?!\w|[.,-][0-9]|{_AMOUNT})",
    re.IGNORECASE,
)
_FOREIGN = re.compile(rf"[0-9]{BEGIN}[0-9]{_BETWEEN}[0-9]{{7}}(?!\w|[.,-][0-9])", re.IGNORECASE)
_NAMED = re.compile(r"паспорт|пасп\.|(?<!\w)п-т(?!\w)|passport|(?<!\w)серия\W")
_NAMED_FOREIGN = re.compile(r"загран")


def find(text: str, before: str) -> Iterator[Span]:
    """Yield every series with its number, internal or foreign."""
    for pattern, named in ((_INTERNAL, _NAMED), (_FOREIGN, _NAMED_FOREIGN)):
        for match in pattern.finditer(text):
            if named.search(surroundings(text, *match.span(), before)):
                yield Span(*match.span(), digits_of(match[0]))


PASSPORT = Kind("passport", "паспорт", NINE_DIGITS, find)
