"""What training has seen is found, and what it was only taught to answer is not."""

import pytest

from assets.cleaning import load_policy
from assets.contamination import holding, seen
from models.evaluation import Item

POLICY = load_policy()


def talk(*turns):
    roles = ("user", "assistant") * len(turns)
    return [{"role": r, "content": c} for r, c in zip(roles, turns, strict=False)]


def item(*turns):
    return Item("one", tuple(talk(*turns)))


LONG = "Расскажи мне подробно, как правильно заварить крепкий чай с мятой в большом чайнике."
SLIPS = LONG.replace("мне", "мнe").replace("заварить", "зоварить")
ANSWER = "Сначала согрей чайник, потом насыпь чай и мяту, залей кипятком и жди пять минут."


@pytest.mark.parametrize(
    ("asked", "row", "how"),
    [
        (item("Где ключи?", "На полке."), talk("где  ключи", "На полке!"), "exact"),
        (
            item("Где ключи?", "На полке."),
            talk("Привет!", "Да?", "Где ключи?", "На полке."),
            "exact",
        ),
        (item(LONG, ANSWER), talk(LONG, ANSWER.replace("минут.", "минуток.")), "eight_grams"),
        (item(LONG, ANSWER), talk(SLIPS, ANSWER.replace("насыпь", "насыпъ")), "near_duplicate"),
    ],
)
def test_an_item_that_was_trained_on_is_told_how(asked, row, how):
    assert {"one": how} == seen([asked], [row], POLICY)


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        (
            item("Где мои ключи?", "На полке у двери."),
            talk("Куда я кладу ключи?", "На полке у двери."),
        ),
        (item("Как зовут собаку?", "Буран."), talk("Как зовут собаку?", "Тузик.")),
        (item("А чай с чем ты пьёшь?", ANSWER), talk(LONG, ANSWER)),
        (item("Один?", "Да.", "Два?", "Нет."), talk("Два?", "Нет.")),
    ],
)
def test_a_taught_answer_to_another_question_is_what_was_learned(asked, row):
    assert {} == seen([asked], [row], POLICY)


def test_without_a_training_set_nothing_was_seen():
    assert {} == seen([item("Где?", "Там.")], [], POLICY)


@pytest.mark.parametrize(
    ("asked", "row", "how"),
    [
        (item("Где ключи?", "На полке."), talk("Да?", "Да.", "где  ключи", "На полке!"), "exact"),
        (item(LONG, ANSWER), talk(LONG, ANSWER.replace("минут.", "минуток.")), "eight_grams"),
        (item(LONG, ANSWER), talk(SLIPS, ANSWER.replace("насыпь", "насыпъ")), "near_duplicate"),
    ],
)
def test_a_row_that_holds_an_item_is_told_how(asked, row, how):
    rows = [talk("Привет!", "Да?"), row, talk("Где ключи?", "В реке.")]

    assert {1: how} == holding([asked], rows, POLICY)
    assert {"one": how} == seen([asked], rows, POLICY)


def test_a_row_is_looked_at_by_itself():
    """Half of an item in each of two rows is seen, but no row gives it away."""
    words = LONG.split()
    halves = [" ".join(words[:9]), " ".join(words[4:])]
    rows = [talk(LONG, ANSWER.partition(",")[0]), talk(*halves)]

    assert {} == holding([item(LONG, ANSWER)], rows, POLICY)


def test_nothing_is_held_where_nothing_is_asked():
    assert {} == holding([], [talk("Да?", "Да.")], POLICY)
    assert {} == holding([item("Да?", "Да.")], [], POLICY)
