"""Who has the word about a dialogue: a person, then its source, then the default."""

from datetime import date
from functools import partial

import pytest

from assets import fingerprints
from assets.cleaning.consent import Consents, consent_of, consents_of
from lake import settings as settings_module
from lake.errors import SettingsError
from lake.ids import user_id_of
from lake.settings import Settings

SAID = Consents(
    default="granted",
    sources={"telegram": "explore", "nexus": "granted"},
    people={"anya": "explore", "boris": "granted"},
    owner="me",
)


@pytest.mark.parametrize(
    ("source", "people", "expected"),
    [
        ("sharegpt", ["me"], "granted"),
        ("nexus", ["me"], "granted"),
        ("telegram", ["me"], "explore"),
        ("telegram", [], "explore"),
        ("telegram", ["me", "boris"], "granted"),
        ("telegram", ["me", "boris", "vera"], "explore"),
        ("nexus", ["me", "anya"], "explore"),
        ("nexus", ["me", "boris", "anya"], "explore"),
        ("nexus", ["me", "vera"], "granted"),
    ],
)
def test_a_person_decides_before_the_source(source: str, people: list[str], expected: str) -> None:
    assert expected == consent_of(source, people, SAID)


def test_the_default_is_for_what_nothing_is_said_of() -> None:
    said = Consents(default="explore", sources={"nexus": "granted"}, people={}, owner="me")

    assert "explore" == consent_of("sharegpt", ["me"], said)
    assert "granted" == consent_of("nexus", ["me"], said)


def test_an_owner_may_keep_everything_to_himself() -> None:
    said = Consents(default="granted", sources={}, people={"me": "explore"}, owner="me")

    assert "explore" == consent_of("nexus", ["me", "boris"], said)


def test_people_are_named_as_in_their_chats_or_by_pseudonym() -> None:
    pseudonym = partial(user_id_of, key=b"key")
    settings = settings_module.load(
        consent={"people": {"Аня": "explore", pseudonym("Борис"): "granted"}}
    )

    said = consents_of(settings, pseudonym)

    assert {pseudonym("Аня"): "explore", pseudonym("Борис"): "granted"} == said.people
    assert pseudonym("owner") == said.owner


def test_another_word_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"consent\.sources\.telegram"):
        settings_module.load(consent={"sources": {"telegram": "maybe"}})


def test_a_changed_consent_cleans_the_days_anew(chosen: Settings) -> None:
    def fingerprint(**consent: object) -> str:
        settings = chosen.model_copy(
            update={"consent": settings_module.ConsentSettings.model_validate(consent)}
        )
        return fingerprints.cleaned(settings, date(2026, 1, 1))

    assert fingerprint() == fingerprint(default="granted")
    assert fingerprint() != fingerprint(sources={"telegram": "explore"})
    assert fingerprint(people={"a": "explore", "b": "explore"}) == fingerprint(
        people={"b": "explore", "a": "explore"}
    )
