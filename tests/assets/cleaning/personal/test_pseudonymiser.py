"""What placeholders are and what they leave alone."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cleaning.personal import Finding, Pseudonymiser, gate
from assets.cleaning.personal.pseudonymiser import kinds

KEY = b"k" * 32
PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(kind.word for kind in kinds(names=True))}) [0-9]+\]")
# Words, numbers and separators from which numbers of every kind and their near misses come about.
PIECES = (
    "паспорт", "серия", "номер", "ИНН", "огрн", "снилс", "тел.", "позвони", "карта", "заказ №",
    "ул.", "Ленина", "д. 5", "кв 12", "Маша", "вера", "Петровна", "Иванов", "И.", "собака",
    "4510 123456", "45 10", "112-233-445 95", "500100732259", "7707083893", "1027700132195",
    "304500116000157", "4276 3800 1234 5679", "40817810099910004312", "+7 (916) 123-45-67",
    "89161234567", "8 800 555-35-35", "123-45-67", "ivan@mail.ru", "user@example.com", "(at)",
    "2024-05-12", "192.168.0.1", "1.2.3", "3,14", "1 000 000 руб.", "[телефон 1]", "[паспорт 2]",
    " ", "  ", "\n", ", ", ".", "-", "/", "@", "8", "7", "0", "(", ")", "+",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=60)
TALKS = st.lists(TEXTS, max_size=4)


@pytest.fixture(params=[False, True], ids=["without names", "with names"])
def pseudonymiser(request: pytest.FixtureRequest) -> Pseudonymiser:
    return Pseudonymiser(KEY, names=request.param)


@given(texts=TALKS, names=st.booleans())
def test_applied_again_nothing_changes(texts: list[str], names: bool) -> None:
    pseudonymiser = Pseudonymiser(KEY, names=names)
    once, _ = pseudonymiser.apply(texts, "talk")

    assert (once, []) == pseudonymiser.apply(once, "talk")


@given(texts=TALKS, names=st.booleans())
def test_what_is_not_found_stays_byte_for_byte(texts: list[str], names: bool) -> None:
    replaced, _ = Pseudonymiser(KEY, names=names).apply(texts, "talk")

    for before, after in zip(texts, replaced, strict=True):
        kept = (re.escape(piece) for piece in PLACEHOLDER.split(after))
        assert re.fullmatch(".*?".join(kept), before, re.DOTALL)


@given(text=TEXTS, names=st.booleans())
def test_where_the_gate_finds_nothing_nothing_is_found(text: str, names: bool) -> None:
    if not re.search(gate(names), text):
        assert [] == Pseudonymiser(KEY, names=names).find(text)


@given(texts=st.lists(TEXTS, max_size=5), names=st.booleans())
def test_the_gate_says_the_same_to_re_and_to_polars(texts: list[str], names: bool) -> None:
    asked = pl.Series(texts, dtype=pl.String).str.contains(gate(names)).to_list()

    assert [bool(re.search(gate(names), text)) for text in texts] == asked


@given(texts=TALKS)
def test_a_finding_holds_the_placeholder_and_never_the_words(texts: list[str]) -> None:
    replaced, findings = Pseudonymiser(KEY, names=True).apply(texts, "talk")

    for finding in findings:
        assert PLACEHOLDER.fullmatch(finding.placeholder)
        assert finding.placeholder in replaced[finding.position]


def test_one_number_has_one_placeholder_however_it_is_written(
    pseudonymiser: Pseudonymiser,
) -> None:
    said = ["+7 (916) 123-45-67?", "да, 89161234567", "а 8 916 765-43-21 чей?"]

    replaced, findings = pseudonymiser.apply(said, "talk")

    assert ["[телефон 1]?", "да, [телефон 1]", "а [телефон 2] чей?"] == replaced
    assert [0, 1, 2] == [finding.position for finding in findings]
    assert findings[0].pseudonym == findings[1].pseudonym != findings[2].pseudonym


def test_a_name_in_another_case_is_the_same_person() -> None:
    replaced, _ = Pseudonymiser(KEY, names=True).apply(["Позвони Маше", "Маша не ответила"], "talk")

    assert ["Позвони [имя 1]", "[имя 1] не ответила"] == replaced


def test_what_one_asks_for_the_other_gives(pseudonymiser: Pseudonymiser) -> None:
    replaced, _ = pseudonymiser.apply(["Серия и номер паспорта?", "4510 123456"], "talk")

    assert "[паспорт 1]" == replaced[1]


def test_numbers_go_on_after_the_placeholders_that_stand_there(
    pseudonymiser: Pseudonymiser,
) -> None:
    replaced, _ = pseudonymiser.apply(["мой [телефон 3]", "а мой 89161234567"], "talk")

    assert "а мой [телефон 4]" == replaced[1]


def test_a_pseudonym_holds_in_one_dialogue_and_under_one_key() -> None:
    def pseudonym(key: bytes, scope: str) -> Finding:
        return Pseudonymiser(key).apply(["89161234567"], scope)[1][0]

    first = pseudonym(b"a", "one")

    assert first == pseudonym(b"a", "one")
    assert len({first, pseudonym(b"a", "other"), pseudonym(b"b", "one")}) == 3


def test_dialogues_that_say_the_same_stay_the_same() -> None:
    pseudonymiser = Pseudonymiser(KEY)
    one, other = (pseudonymiser.apply(["пиши на a@b.ru"], scope)[0] for scope in ("one", "other"))

    assert one == other


def test_a_representation_does_not_show_the_key() -> None:
    assert "secret" not in repr(Pseudonymiser(b"secret"))


@pytest.mark.parametrize(
    "part", ["8", "8 ", "916 ", "a.", "a@", "@", "ул. Ленина 5, ", "И.", "(", "1-", "4276 ", "1\n"]
)
def test_hostile_texts_come_to_an_end(part: str, pseudonymiser: Pseudonymiser) -> None:
    """A pattern that went back and forth would need hours for these."""
    text = part * (100_000 // len(part))

    assert 1 == len(pseudonymiser.apply([text], "talk")[0])
