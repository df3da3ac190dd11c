"""Every choice is kept or dropped with a reason, under the same protection as dialogues."""

from collections.abc import Mapping
from typing import Any

import pytest

from assets.cleaning import load_policy
from assets.cleaning.personal import Pseudonymiser
from assets.cleaning.preferences import CleanedPreferences, PreferenceCleaner
from assets.cleaning.splits import SPLITS, split_of
from assets.records import Place, preferences_table
from lake.schemas import Message, Preference

QUESTION = "Как лучше всего заварить зелёный чай дома?"
GOOD = "Возьмите воду около восьмидесяти градусов и подождите две минуты."
BAD = "Просто залейте кипятком и забудьте про него на час."


def choice(
    question: str = QUESTION, chosen: str = GOOD, rejected: str = BAD, **more: Any
) -> Preference:
    about = {"source": "oasst", "origin": "ranks"} | more
    return Preference((Message("user", question),), chosen, rejected, **about)


def clean(*choices: Preference, **given: Any) -> CleanedPreferences:
    """Clean choices by way of their table, as the asset does."""
    places = [Place("f", "i", n) for n in range(len(choices))]
    table = preferences_table(choices, places, pseudonym=str)
    about: Mapping[str, Any] = {
        "personal": Pseudonymiser(b"key"),
        "consent": lambda _source, _people: "granted",
        "clusters": {},
    }
    cleaner = PreferenceCleaner(load_policy(), **{**about, **given})
    return cleaner.clean(table.combine_chunks().to_batches()[0])


def reasons(cleaned: CleanedPreferences) -> list[tuple[str, str]]:
    rows = cleaned.dropped.to_pylist()
    return [(row["rule"], row["reason"]) for row in rows]


def test_a_fit_choice_is_kept_as_it_was_said() -> None:
    (row,) = clean(choice()).kept.to_pylist()

    assert (QUESTION, GOOD, BAD) == (row["prompt"][0]["content"], row["chosen"], row["rejected"])
    assert ("ru", "granted", "ranks") == (row["language"], row["consent"], row["origin"])
    assert row["split"] in SPLITS


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        (choice(question=" \u200b "), ("choice", "no_question")),
        (Preference((Message("assistant", GOOD),), GOOD, BAD, "a", "b"), ("choice", "no_question")),
        (Preference((), GOOD, BAD, "a", "b"), ("choice", "no_question")),
        (choice(chosen="\n"), ("choice", "no_answer")),
        (choice(rejected=""), ("choice", "no_answer")),
        (choice(rejected=GOOD.replace(" ", "  ")), ("choice", "same_answers")),
        (
            choice(question="How do I brew green tea?", chosen="Take water of eighty degrees."),
            ("language", "language_en"),
        ),
        (choice(chosen="Извините, но я не могу помочь с этим вопросом."), ("refusal", "refusal")),
    ],
)
def test_an_unfit_choice_is_dropped_with_its_reason(
    unfit: Preference, reason: tuple[str, str]
) -> None:
    cleaned = clean(unfit)

    assert 0 == cleaned.kept.num_rows
    assert {"preference"} == set(cleaned.dropped["grain"].to_pylist())
    assert [reason] == reasons(cleaned)


def test_the_worse_answer_may_refuse() -> None:
    refusal = "Извините, но я не могу помочь с этим вопросом."

    assert [] == reasons(clean(choice(rejected=refusal)))
    assert [] != reasons(clean(choice(chosen=refusal)))


def test_personal_data_is_replaced_alike_in_all_three() -> None:
    phone = "+7 916 123-45-67"
    cleaned = clean(
        choice(
            question=f"Мой телефон {phone}, куда мне звонить?",
            chosen=f"Вам перезвонят на {phone} в течение часа.",
            rejected=f"Не знаю, чей это номер {phone}, звоните сами.",
        )
    )
    (row,) = cleaned.kept.to_pylist()
    texts = [row["prompt"][0]["content"], row["chosen"], row["rejected"]]
    found = cleaned.findings.to_pylist()

    assert all("[телефон 1]" in text and phone not in text for text in texts)
    assert [0, 1, 2] == [f["position"] for f in found]
    assert {("personal_data", "phone", row["record_id"])} == {
        (f["rule"], f["reason"], f["record_id"]) for f in found
    }
    assert phone not in str(found)


def test_what_is_dropped_shows_no_personal_data() -> None:
    dropped = clean(choice(question="Мой телефон +7 916 123-45-67?", rejected="")).dropped

    assert "916" not in dropped["excerpt"][0].as_py()
    assert "[телефон 1]" in dropped["excerpt"][0].as_py()


def test_the_same_choice_is_kept_once_on_whatever_day() -> None:
    seen: set[str] = set()
    again = [("duplicate", "exact_duplicate")]

    assert again == reasons(clean(choice(), choice(source="pairs"), seen=seen))
    assert again == reasons(clean(choice(), seen=seen))
    assert [] == reasons(clean(choice(chosen=BAD, rejected=GOOD), seen=seen))


def test_a_choice_lies_in_the_split_of_its_conversation() -> None:
    clusters = {("oasst", f"tree {n}"): f"{n:032x}" for n in range(1 << 20)[:: 1 << 14]}
    clusters |= {("oasst", "held out"): f"{1:012x}{'0' * 20}"}
    told = [choice(question=f"{QUESTION} {t}", conversation_id=t) for _, t in clusters]

    kept = clean(*told, clusters=clusters).kept

    assert [split_of(c) for c in clusters.values()] == kept["split"].to_pylist()
    assert "test" in kept["split"].to_pylist()


def test_choices_of_one_question_share_a_split() -> None:
    other = "Доверьтесь вкусу: пробуйте каждые полминуты и снимайте вовремя."
    for n in range(30):
        asked = f"{QUESTION} Вариант {n}."
        kept = clean(choice(question=asked), choice(question=asked, chosen=other)).kept

        assert 1 == len(set(kept["split"].to_pylist()))


def test_consent_is_asked_for_the_source_and_the_people() -> None:
    asked: list[tuple[str, list[str]]] = []

    def consent(source: str, people: list[str]) -> str:
        asked.append((source, people))
        return "explore"

    cleaned = clean(choice(participants=("Аня", "Борис")), consent=consent)

    assert [("oasst", ["Аня", "Борис"])] == asked
    assert ["explore"] == cleaned.kept["consent"].to_pylist()


def test_cleaning_what_is_clean_changes_nothing() -> None:
    (once,) = clean(choice(question=f"  {QUESTION}  \n\n\n\nЖду.")).kept.to_pylist()
    (twice,) = clean(
        choice(once["prompt"][0]["content"], once["chosen"], once["rejected"])
    ).kept.to_pylist()

    assert once == twice
