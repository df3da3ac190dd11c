"""Bank accounts: twenty digits that begin with a customer's balance account and a currency."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assets.cleaning.personal.kinds import BEGIN, END, NINE_DIGITS, Kind, Span, digits_of

# Accounts of customers (405-408) and their deposits (420-426) in the Bank of Russia's chart of
# accounts; correspondent accounts of banks (301) and of the treasury (03) are nobody's.
_BALANCE = r"(?:40[5-8]|42[0-6])[0-9]{2}"
# Rouble (old code, in use in accounts, and new), dollar, euro, yuan, pound, franc, yen, tenge,
# Belarusian rouble, dirham, lira: the All-Russian Classifier of Currencies.
_CURRENCY = r"(?:810|643|840|978|156|826|756|392|398|933|784|949)"
_NUMBER = re.compile(rf"4{BEGIN}(?:[ \u00a0.]?[0-9]){{19}}{END}")
_SHAPE = re.compile(rf"{_BALANCE}{_CURRENCY}[0-9]{{12}}")


def find(text: str, _before: str) -> Iterator[Span]:
    """Yield every account of a customer."""
    for match in _NUMBER.finditer(text):
        number = digits_of(match[0])
        if _SHAPE.fullmatch(number):
            yield Span(*match.span(), number)


ACCOUNT = Kind("account", "счёт", NINE_DIGITS, find)
