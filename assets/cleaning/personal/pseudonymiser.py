"""All kinds at once: from the texts of a dialogue to texts with placeholders, and the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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

# Where two kinds claim the same place, the earlier one has it.
KINDS = (EMAIL, PASSPORT, SNILS, INN, OGRN, ACCOUNT, CARD, PHONE, ADDRESS)


def kinds(*, names: bool) -> tuple[Kind, ...]:
    """Return the kinds that are looked for, in the order of their claims."""
    return (*KINDS, NAME) if names else KINDS


def gate(names: bool) -> str:
    """Return the pattern without which a text holds no personal data, for `re` and for polars."""
    return "|".join(dict.fromkeys(kind.gate for kind in kinds(names=names)))


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Replaces personal data; the same key, texts and scope give the same result."""

    key: bytes = field(repr=False)
    names: bool = False

    def apply(self, texts: Sequence[str], scope: str) -> tuple[list[str], list[Finding]]:
        """Return the messages of one dialogue with placeholders, and what was found in each.

        What is found nowhere stays as it is, byte for byte; applied again, nothing changes.
        """
        words = [kind.word for kind in kinds(names=self.names)]
        ledger = Ledger.over(texts, words, key=self.key, scope=scope)
        replaced: list[str] = []
        findings: list[Finding] = []
        for position, original in enumerate(texts):
            text, before = original, replaced[-1] if replaced else ""
            # A placeholder is shorter than what it stands for, so it may bring a number near
            # enough to the word that names it: until nothing more is found.
            while spans := self._spans(text, before):
                findings += [_finding(position, kind, span, ledger) for kind, span in spans]
                text = _filled(text, spans, ledger)
            replaced.append(text)
        return replaced, findings

    def _spans(self, text: str, before: str) -> list[tuple[Kind, Span]]:
        taken: list[tuple[Kind, Span]] = []
        for kind in kinds(names=self.names):
            for span in kind.find(text, before):
                if _is_free(span, taken):
                    taken.append((kind, span))
        return sorted(taken, key=lambda found: found[1].start)


def _is_free(span: Span, taken: Sequence[tuple[Kind, Span]]) -> bool:
    return all(span.end <= other.start or other.end <= span.start for _, other in taken)


def _finding(position: int, kind: Kind, span: Span, ledger: Ledger) -> Finding:
    placeholder = ledger.placeholder(kind.word, span.normal)
    return Finding(position, kind.name, placeholder, ledger.pseudonym(kind.name, span.normal))


def _filled(text: str, spans: Sequence[tuple[Kind, Span]], ledger: Ledger) -> str:
    return "".join(_pieces(text, spans, ledger))


def _pieces(text: str, spans: Sequence[tuple[Kind, Span]], ledger: Ledger) -> Iterator[str]:
    end = 0
    for kind, span in spans:
        yield text[end : span.start]
        yield ledger.placeholder(kind.word, span.normal)
        end = span.end
    yield text[end:]
