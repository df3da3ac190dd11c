"""Consent: whether a dialogue may teach an adapter, or be explored only.

What the owner takes in is granted, unless the settings say otherwise of its source or of a person
in it.  The settings name people as their chats do; the lake knows pseudonyms alone, so names are
turned into pseudonyms here and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.ids import ID_HEX_DIGITS

if TYPE_CHECKING:
    from lake.settings import Consent, Settings

GRANTED: Consent = "granted"
EXPLORE: Consent = "explore"


@dataclass(frozen=True, slots=True)
class Consents:
    """Who and what may be trained on; `people` and `owner` are pseudonyms."""

    default: Consent
    sources: Mapping[str, Consent]
    people: Mapping[str, Consent]
    owner: str


def consent_of(source: str, people: Sequence[str], consents: Consents) -> Consent:
    """Return `granted`, or `explore`: may be read and counted, never trained on.

    One person who said `explore` decides for a dialogue.  Where everybody else than the owner
    said `granted`, it is granted.  Otherwise its source has the word, then the default.
    """
    said = {consents.people.get(person) for person in people if person != consents.owner}
    if EXPLORE in said or consents.people.get(consents.owner) == EXPLORE:
        return EXPLORE
    if said == {GRANTED}:
        return GRANTED
    return consents.sources.get(source, consents.default)


def consents_of(settings: Settings, pseudonym: Callable[[str], str]) -> Consents:
    """Return the settings' consents with pseudonyms for names; a pseudonym stands for itself."""
    said = settings.consent
    people = {_person(name, pseudonym): word for name, word in said.people.items()}
    return Consents(said.default, said.sources, people, pseudonym(settings.owner))


def _person(name: str, pseudonym: Callable[[str], str]) -> str:
    is_pseudonym = len(name) == ID_HEX_DIGITS and set(name) <= set("0123456789abcdef")
    return name if is_pseudonym else pseudonym(name)
