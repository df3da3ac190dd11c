"""Phones: Russian ones as chat writes them, international ones behind a plus.

Whether digits are a number that can be dialled is asked of libphonenumber's plan; whether a
person meant a number is asked of the way the digits are grouped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from assets.cleaning.personal.kinds import SEPARATOR, Kind, Span, context, digits_of

# Not inside a word, an address on the web, a fraction; but after `tel:` and `wa.me/`.
_BEGIN = r"(?:(?<![\w.,/=#№+$€-])|(?<=tel:)|(?<=wa\.me/)|(?<=\w[.,;:](?=[+8])))"
_END = r"(?![\w@]|[.,-]\d|[ \u00a0]?(?:[₽$€%]|руб|тыс|млн|млрд|шт\b|кг\b|км\b|коп))"
_INTERNATIONAL = re.compile(rf"{_BEGIN}\+(?:{SEPARATOR}[0-9]){{8,15}}{_END}")
_NATIONAL = re.compile(rf"{_BEGIN}[78](?:{SEPARATOR}[0-9]){{10}}{_END}")
_WITHOUT_TRUNK = re.compile(rf"{_BEGIN}\(?9[0-9]{{2}}(?:{SEPARATOR}[0-9]){{7}}{_END}")
_AREA = r"(?:\([348][0-9]{2,4}\)|[348][0-9]{2})"
_WITH_AREA = re.compile(rf"{_BEGIN}{_AREA} ?-?[0-9]{{1,3}}[- ][0-9]{{2}}-[0-9]{{2}}{_END}")
_LOCAL = re.compile(rf"{_BEGIN}[0-9]{{2,3}}-[0-9]{{2}}-[0-9]{{2}}{_END}")
_CALL = re.compile(r"(?<!\w)(?:т\.|тел(?:ефон\w*)?(?!\w)|(?:по|пере)?звон\w+|набер\w+)")
# What a number is that its owner's name for it says: an order's, not a person's.
_OTHER = re.compile(
    r"(?:№|(?<!\w)(?:заказ|артикул|трек|накладн|квитанц|чек|инвойс|счет|счёт|лицев|полис|договор"
    r"|инн|снилс|огрн|код|id|isbn|серийн)\w*)[^\w\n]*(?:(?:номер|код|id)\w*[^\w\n]*)?\Z"
)
# Of these kinds in libphonenumber's plan the owner is a company: 8 800 and the like.
_SERVICE = frozenset({"TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "UAN"})


def find(text: str, before: str) -> Iterator[Span]:
    """Yield every phone of a person; the normal form is E.164, or the digits of a local number."""
    found = chain(_international(text), _russian(text), _local(text, before))
    for span in found:
        if not _OTHER.search(context(text, span.start, "")):
            yield span


def _international(text: str) -> Iterator[Span]:
    for match in _INTERNATIONAL.finditer(text):
        if (number := "+" + digits_of(match[0])) and _is_somebodys(number):
            yield Span(*match.span(), number)


def _russian(text: str) -> Iterator[Span]:
    for pattern in (_NATIONAL, _WITHOUT_TRUNK, _WITH_AREA):
        for match in pattern.finditer(text):
            number = "+7" + digits_of(match[0])[-10:]
            if _is_grouped(match[0]) and _is_somebodys(number):
                yield Span(*match.span(), number)


def _local(text: str, before: str) -> Iterator[Span]:
    """Yield numbers without an area, where somebody speaks of calling: 12-05-24 may be a date."""
    for match in _LOCAL.finditer(text):
        if _CALL.search(context(text, match.start(), before)):
            yield Span(*match.span(), digits_of(match[0]))


def _is_grouped(written: str) -> bool:
    """Say whether digits stand as in a phone: not as thousands, a fraction, an address of four."""
    groups = re.findall(r"[0-9]+", written)
    if "." in written:
        return re.fullmatch(r"(?:[78]\.)?\d{3}\.\d{3}\.\d{2}\.\d{2}", written) is not None
    singles = sum(len(group) == 1 for group in groups[1:])
    return len(groups) <= 6 and singles <= 1 and len(groups[0]) != 2


def _is_somebodys(number: str) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    kind = phonenumbers.number_type(parsed)
    return kind != phonenumbers.PhoneNumberType.UNKNOWN and (
        phonenumbers.PhoneNumberType.to_string(kind) not in _SERVICE
    )


PHONE = Kind("phone", "телефон", rf"(?:[0-9]{SEPARATOR}){{5}}[0-9]", find)
