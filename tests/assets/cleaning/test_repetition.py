"""Answers that go round in circles are dropped; lists, choruses, code and short talk are not."""

import re
from dataclasses import replace

import pytest

from assets.cleaning import load_policy
from assets.cleaning.repetition import repeated_share, repetition, runs, spans_share, top_share
from lake.schemas import Message

POLICY = load_policy()
WORDS = re.findall(
    r"\w+",
    """степь трава река озеро ветер конь шатёр костёр вечер утро дорога всадник орёл облако гроза
    дождь радуга поле ручей камень берёза тополь ковыль полынь суслик сайгак журавль песня огонь
    молоко хлеб соль чай мёд колодец верблюд табун пастух собака зима весна лето осень снег лёд
    солнце луна звезда небо земля""",
)


def answered(text: str, *, role: str = "assistant") -> str | None:
    return repetition(Message(role, text), POLICY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("плохой " * 120, "repeated_phrase"),
        (" ".join(WORDS) + " и так далее и тому подобное" * 40, "repeated_phrase"),
        ("\n".join([" ".join(WORDS[:7]), " ".join(WORDS[7:14])] * 12), "repeated_lines"),
        (" ".join(WORDS[:40] * 4), "repeated_spans"),
    ],
    ids=["a word", "a phrase", "lines", "a span"],
)
def test_answers_in_circles_are_dropped(text, reason):
    assert answered(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        "плохой " * 60,
        " ".join(f"{a} {b}" for a, b in zip(WORDS, reversed(WORDS), strict=True)) + " конец",
        "```\n" + "слово слово слово\n" * 100 + "```",
        "| да | нет |\n" * 200,
        "x = x + 1\n" * 200,
    ],
    ids=["under a hundred words", "each word twice", "code", "a table", "formulas"],
)
def test_what_only_looks_so_stays(text):
    assert answered(text) is None


def test_a_person_may_repeat_themselves():
    assert answered("плохой " * 120, role="user") is None


def test_the_policy_moves_the_thresholds():
    text = Message("assistant", "плохой " * 120)

    assert repetition(text, replace(POLICY, max_top_ngrams=(1.0, 1.0, 1.0))) is not None
    assert repetition(text, replace(POLICY, min_repetition_words=121)) is None


def test_shares_are_of_characters():
    assert repeated_share(["аа", "б", "аа", "ввв"]) == pytest.approx(2 / 8)
    assert top_share(["а", "бб", "а", "бб", "вв"], 2) == pytest.approx(6 / 8)
    assert top_share(["а", "б", "в"], 2) == 0.0
    assert spans_share(["а", "бб", "в", "а", "бб"], 2) == pytest.approx(3 / 7)
    assert spans_share(["а", "а", "а"], 1) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("А" * 64, "endless_run"),
        ("Номер " + "9" * 17, "endless_run"),
        ("Ааа" + "а" * 50 + "!", None),
        ("1" + "0" * 40, None),
        ("0." + "3" * 40, None),
        ("№999999999", None),
        ("-" * 100, None),
        ("`" + "а" * 80 + "`", None),
    ],
    ids=lambda text: str(text)[:12],
)
def test_one_sign_without_end_is_dropped(text, reason):
    assert runs(Message("assistant", text), POLICY) == reason
    assert runs(Message("user", text), POLICY) is None
