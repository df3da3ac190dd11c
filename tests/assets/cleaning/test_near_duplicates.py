"""What is one dialogue said twice, and what are two dialogues."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cleaning import Neighbours, load_policy, settling
from assets.cleaning.minhash import PERMUTATIONS, sketch
from assets.cleaning.near_duplicates import Signed, columns_of, signed
from lake.ids import content_id

Talk = tuple[str, str]
LONG = (
    "Степь начинается сразу за последним домом: ковыль, полынь и дорога, по которой раз в день "
    "проходит автобус до станции. Летом здесь сухо и пахнет чабрецом, а зимой метёт так, что не "
    "видно забора."
)


def signed_of(*talks: Talk) -> Signed:
    """Return dialogues of a question and an answer, the first of them the best."""
    texts = pa.array(["\n".join(talk) for talk in talks], pa.large_string())
    questions = pa.array([question for question, _ in talks], pa.large_string())
    ids = [content_id(*talk) for talk in talks]
    quality = np.linspace(1, 0.5, len(talks))
    return signed(sketch(texts, questions), revisions=ids, dialogue_ids=ids, quality=quality)


def reasons(*talks: Talk) -> list[str]:
    return Neighbours(load_policy()).settle(signed_of(*talks)).reasons


@pytest.mark.parametrize(
    "copy",
    [
        ("как зовут вашу собаку", "НАШУ СОБАКУ ЗОВУТ БУРАН!!!"),
        ("Как завут вашу собаку?", "Нашу собаку зовут Буран."),
        ("Как зовут вашу собаку?", "Нашу сабаку зовут Буран."),
    ],
    ids=["case and punctuation", "a slip in the question", "a slip in the answer"],
)
def test_a_short_dialogue_with_a_slip_of_the_hand_is_the_same_one(copy: Talk) -> None:
    original = ("Как зовут вашу собаку?", "Нашу собаку зовут Буран.")

    assert ["", "near_duplicate"] == reasons(original, copy)


@pytest.mark.parametrize(
    "other",
    [
        ("Как зовут вашу собаку?", "Нашу собаку зовут Баран."),
        ("Как зовут вашу собаку?", "Нашу собаку зовут Бурана."),
        ("Скажи, как зовут вашу собаку?", "Нашу собаку зовут Буран."),
        ("Какая кличка у вашей собаки?", "Нашу собаку зовут Буран."),
    ],
    ids=["another name", "a longer name", "another phrasing", "other words"],
)
def test_another_fact_and_another_phrasing_are_dialogues_of_their_own(other: Talk) -> None:
    original = ("Как зовут вашу собаку?", "Нашу собаку зовут Буран.")

    assert ["", ""] == reasons(original, other)


def test_two_numbers_are_two_facts() -> None:
    talks = [("Во сколько уходит автобус?", f"Автобус уходит в {n} часов утра.") for n in (7, 8)]

    assert ["", ""] == reasons(*talks)


def test_in_a_few_letters_another_letter_is_another_word() -> None:
    assert ["", ""] == reasons(("Кто там?", "Кот."), ("Кто там?", "Кит."))


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Расскажи про степь.", "near_duplicate"),
        ("Раскажи про степь.", "near_duplicate"),
        ("Что там, за деревней?", ""),
    ],
    ids=["the same", "a slip", "other words"],
)
def test_a_long_answer_to_another_question_is_another_dialogue(question: str, reason: str) -> None:
    copy = (question, LONG.replace("автобус", "автобусик"))

    assert ["", reason] == reasons(("Расскажи про степь.", LONG), copy)


def test_dialogues_without_a_letter_are_alike_only_if_equal() -> None:
    assert ["", "", "near_duplicate"] == reasons(("?", "!!!"), ("?", ":)"), ("?", "!!! "))


def test_a_copy_is_found_also_where_many_share_its_beginning() -> None:
    many = [(f"Расскажи мне о слове «{word}».", f"Это {word}.") for word in WORDS]
    copy = (many[-1][0].replace("Расскажи", "Разскажи"), many[-1][1])

    assert [*[""] * len(many), "near_duplicate"] == reasons(*many, copy)


WORDS = [
    "ковыль",
    "полынь",
    "чабрец",
    "суслик",
    "сайгак",
    "курган",
    "балка",
    "ветер",
    "табун",
    "юрта",
]


def test_what_earlier_days_kept_is_known_again_from_its_table() -> None:
    earlier = signed_of(("Расскажи про степь.", LONG), ("Как зовут собаку?", "Зовут её Буран."))
    ids = [content_id(str(n)) for n in range(len(earlier))]
    table = pa.table({"revision": ids, **columns_of(earlier)})
    (batch,) = table.to_batches()
    known = Neighbours(
        load_policy(), lambda touches: iter([batch.filter(pa.array(touches(batch)))])
    )

    again = signed_of(("Расскажи про степь!", LONG), ("Как завут собаку?", "Зовут её Буран."))

    assert ["near_duplicate"] * 2 == known.settle(again).reasons


LETTERS = st.text(alphabet="абв", max_size=12)


@given(LETTERS, LETTERS, st.integers(0, 4))
def test_slips_are_the_edit_distance_up_to_a_bound(one: str, other: str, most: int) -> None:
    found = settling.slips(_kept(one), _kept(other), len(one), len(other), most)

    assert min(_distance(one, other), most + 1) == found


@given(LETTERS, LETTERS)
def test_the_resemblance_of_kept_texts_is_jaccards(one: str, other: str) -> None:
    sets = [{text[i : i + 5] for i in range(max(len(text) - 4, 1))} for text in (one, other)]

    found = settling.resemblance(_kept(one), _kept(other), len(one), len(other))

    assert len(sets[0] & sets[1]) / len(sets[0] | sets[1]) == pytest.approx(found)


def _kept(text: str) -> np.ndarray:
    values = np.zeros(PERMUTATIONS, np.uint8)
    values[: len(text)] = [ord(letter) - ord("а") + 1 for letter in text]
    return values


def _distance(one: str, other: str) -> int:
    """Return Levenshtein's distance, by its definition."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        before, row = row, [i + 1]
        for j, sign in enumerate(other):
            row.append(min(before[j] + (letter != sign), before[j + 1] + 1, row[j] + 1))
    return row[-1]
