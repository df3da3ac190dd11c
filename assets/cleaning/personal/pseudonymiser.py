"""All kinds at once: from the texts of a dialogue to texts with placeholders, and the findings."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter

from assets.cleaning.personal.accounts import ACCOUNT
from assets.cleaning.personal.addresses import ADDRESS
from assets.cleaning.personal.cards import CARD
from assets.cleaning.personal.emails import EMAIL
from assets.cleaning.personal.inn import INN
from assets.cleaning.personal.kinds import Kind, Span
from assets.cleaning.personal.names import NAME
from assets.cleaning.personal.ogrn import OGRN
from assets.cleaning.personal.passports import PASSPORT
from assets.cleaning.personal.phones import PHONE
from assets.cleaning.personal.pseudonyms import Finding, Ledger
from assets.cleaning.personal.snils import SNILS

# Where two kinds claim the same place, the earlier one has it: checksums before phones, and
# whatever has numbers before names.
KINDS = (EMAIL, PASSPORT, SNILS, INN, OGRN, ACCOUNT, CARD, PHONE, ADDRESS)


def kinds(*, names: bool) -> tuple[Kind, ...]:
    """Return the kinds that are looked for, in the order of their claims."""
    return (*KINDS, NAME) if names else KINDS


@cache
def gate(names: bool) -> str:
    """Return the pattern without which a text holds no personal data, for `re` and for polars."""
    return "|".join(dict.fromkeys(kind.gate for kind in kinds(names=names)))


@dataclass(frozen=True, slots=True)
class Found:
    """A place, and the kind that claims it."""

    kind: Kind
    span: Span


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Replaces personal data; the same key, texts and scope give the same result."""

    key: bytes = field(repr=False)
    names: bool = False

    def apply(self, texts: Sequence[str], scope: str) -> tuple[list[str], list[Finding]]:
        """Return the messages of one dialogue with placeholders, and what was found in each.

        What is found nowhere stays as it is, byte for byte; applied again, nothing changes.
        """
        ledger = Ledger(self.key, scope, texts)
        replaced: list[str] = []
        findings: list[Finding] = []
        for position, original in enumerate(texts):
            text, before = original, replaced[-1] if replaced else ""
            # A placeholder is shorter than what it stands for, so it may bring a number near
            # enough to the word that names it: until nothing more is found.
            while places := self.find(text, before):
                findings += [_finding(position, found, ledger) for found in places]
                text = "".join(_pieces(text, places, ledger))
            replaced.append(text)
        return replaced, findings

    def find(self, text: str, before: str = "") -> list[Found]:
        """Return the places of personal data in a text, in order and apart from each other."""
        taken: list[Found] = []
        if not _compiled(gate(self.names)).search(text):
            return taken
        for kind in kinds(names=self.names):
            for span in kind.find(text, before) if _compiled(kind.gate).search(text) else ():
                _take(taken, Found(kind, span))
        return taken


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _take(taken: list[Found], found: Found) -> None:
    """Put a place among those taken, in order, unless another has a part of it."""
    index = bisect(taken, found.span.start, key=attrgetter("span.start"))
    begins_free = index == 0 or taken[index - 1].span.end <= found.span.start
    if begins_free and (index == len(taken) or found.span.end <= taken[index].span.start):
        taken.insert(index, found)


def _finding(position: int, found: Found, ledger: Ledger) -> Finding:
    kind, normal = found.kind, found.span.normal
    placeholder = ledger.placeholder(kind.word, normal)
    return Finding(position, kind.name, placeholder, ledger.pseudonym(kind.name, normal))


def _pieces(text: str, places: Sequence[Found], ledger: Ledger) -> Iterator[str]:
    end = 0
    for found in places:
        yield text[end : found.span.start]
        yield ledger.placeholder(found.kind.word, found.span.normal)
        end = found.span.end
    yield text[end:]
