"""Two roles and a task: the marks of the protocol, its ends, and what is kept of it."""

import pytest

from models.primer import prompts
from models.self_chat import camel

NAME = "Твою собаку зовут Буран."
TASK = "узнать, как зовут мою собаку."
ASKS = f"{prompts.INSTRUCTION} Как зовут собаку?"
SOLVES = f"{prompts.SOLUTION} {NAME} {prompts.NEXT}"


def play(staged, dog, *messages):
    return camel.run(staged([TASK, *messages], [dog]), [dog], 0)[0]


def test_a_play_ends_when_the_task_is_done_and_its_marks_are_taken_off(staged, dog):
    made = play(staged, dog, ASKS, SOLVES, prompts.TASK_DONE)

    assert not made.reason
    assert [("user", "Как зовут собаку?"), ("assistant", NAME)] == made.turns


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([prompts.TASK_DONE], "done_at_once"),
        (["Хм.", "Хм-хм.", "Ну и ну."], "no_instruction"),
        ([ASKS, "Буран."], "no_solution"),
        ([ASKS, f"{prompts.INSTRUCTION} Ответь сам."], "role_flip"),
        ([ASKS, f"{prompts.SOLUTION} Зонт в шкафу. {prompts.NEXT}"], "ungrounded"),
        (["   "], "question_empty"),
    ],
)
def test_a_play_that_is_not_kept_says_why(staged, dog, messages, reason):
    assert reason == play(staged, dog, *messages).reason


def test_an_instruction_that_comes_again_ends_the_play(staged, dog):
    made = play(staged, dog, ASKS, SOLVES, ASKS)

    assert not made.reason
    assert 2 == len(made.turns)


def test_a_task_that_cannot_be_used_ends_it_at_once(staged, dog):
    (made,) = camel.run(staged(["Find out the name."], [dog]), [dog], 0)

    assert "task_not_russian" == made.reason
