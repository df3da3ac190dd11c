"""Phones: Russian ones as chat writes them, international ones behind a plus.

Whether digits are a number that can be dialled is asked of libphonenumber's plan; whether a
person meant a number is asked of the way the digits are grouped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from assets.cleaning.personal.kinds import (
    FIVE_DIGITS,
    SEPARATOR,
    Kind,
    Span,
    context,
    digits_of,
    is_of_a_thing,
)

# Where a number may begin: not inside a word, an address on the web, a fraction or a formula.
# (A character is taken before its neighbours are asked: so `re` runs to the next digit.)
_BEGIN = re.compile(
    r"[+(0-9](?:(?<![\w.,/=#№+$€-].)(?<![=*<>] .)|(?<=\w[.,;:][+8])|(?<=tel[:=].)|(?<=wa\.me/.)"
    rf"|(?<=phone=.))(?=(?:{SEPARATOR}[0-9]){{4}})"
)
_END = r"(?![\w@]|[.,-]\d| [*<>^]|\*\w|[ \u00a0]?(?:[₽$€%]|руб|тыс|млн|млрд|шт\b|кг\b|км\b|коп))"
_CALL = re.compile(r"(?<!\w)(?:т[.:]|тел(?:ефон\w*)?(?!\w)|(?:по|пере)?звон\w+|набер\w+)")
# The word before the digits names another number of a person.
_OTHER = re.compile(
    r"№ ?\Z|(?<!\w)(?:инн|снилс|огрн|сч[её]т|договор|лицев)\w*[^\w\n]*(?:сч[её]т\W*|№)?\Z"
)
# Of these kinds in libphonenumber's plan the owner is a company: 8 800 and the like.
_SERVICE = frozenset({"TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "UAN"})


def find(text: str, before: str) -> Iterator[Span]:
    """Yield every phone of a person; the normal form is E.164, or the digits of a local number."""
    end = 0
    for begin in _BEGIN.finditer(text):
        span = _phone_at(text, begin.start(), before) if begin.start() >= end else None
        if span and not _is_another_number(text, span.start):
            yield span
            end = span.end


def _phone_at(text: str, start: int, before: str) -> Span | None:
    """Return the phone that begins here, the longest form first."""
    for pattern, number_of in _FORMS:
        match = pattern.match(text, start)
        if match and _is_somebodys(number := number_of(match[0])):
            return Span(start, match.end(), number)
    local = _LOCAL.match(text, start)
    # Without an area only the talk tells: 12-05-24 may be a date.
    if local and _CALL.search(context(text, start, before)):
        return Span(start, local.end(), digits_of(local[0]))
    return None


def _international(written: str) -> str:
    return "+" + digits_of(written)


def _abroad(written: str) -> str:
    return "+" + digits_of(written).removeprefix("810")


def _russian(written: str) -> str:
    return "+7" + digits_of(written)[-10:] if _is_grouped(written) else ""


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(rf"\+(?:{SEPARATOR}[0-9]){{8,15}}{_END}"), _international),
    (re.compile(rf"8[ -]?10(?:{SEPARATOR}[0-9]){{8,15}}{_END}"), _abroad),
    (re.compile(rf"[78](?:{SEPARATOR}[0-9]){{10}}{_END}"), _russian),
    (re.compile(rf"\(?9[0-9]{{2}}(?:{SEPARATOR}[0-9]){{7}}{_END}"), _russian),
    (
        re.compile(
            r"(?:\([348][0-9]{2,4}\)|[348][0-9]{2}) ?-?"
            rf"[0-9]{{1,3}}[- ][0-9]{{2}}-[0-9]{{2}}{_END}"
        ),
        _russian,
    ),
)
_LOCAL = re.compile(rf"[0-9]{{1,3}}[- ][0-9]{{2}}[- ][0-9]{{2}}{_END}")


def _is_grouped(written: str) -> bool:
    """Say whether digits stand as in a phone: not as thousands, a fraction, an IP address."""
    groups = re.findall(r"[0-9]+", written)
    if "." in written:
        return re.fullmatch(r"(?:[78]\.)?\d{3}\.\d{3}\.\d{2}\.\d{2}", written) is not None
    singles = sum(len(group) == 1 for group in groups[1:])
    if singles == len(groups) - 1:
        return True  # digit by digit
    return len(groups) <= 6 and singles <= 1 and len(groups[0]) != 2


def _is_somebodys(number: str) -> bool:
    """Say whether a number in E.164 is in the plan, and not a service's or a mask's."""
    import phonenumbers

    if len(set(number[-7:])) == 1:  # +7 (999) 999-99-99
        return False
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    name = phonenumbers.PhoneNumberType.to_string(kind)
    return name not in _SERVICE and kind != phonenumbers.PhoneNumberType.UNKNOWN


def _is_another_number(text: str, start: int) -> bool:
    return is_of_a_thing(text, start) or _OTHER.search(context(text, start)) is not None


PHONE = Kind("phone", "телефон", FIVE_DIGITS, find)
