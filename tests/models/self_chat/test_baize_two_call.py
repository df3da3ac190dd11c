"""One model plays both sides of a talk, in turn."""

import pytest

from models.primer import prompts
from models.self_chat import baize_two_call

NAME = "Твою собаку зовут Буран."


def talk(staged, dog, questions, answers):
    """Hold one talk between a scripted user and a scripted assistant."""
    asked, told = iter(questions), iter(answers)

    def answer(conversation):
        asks = conversation[0]["content"] == prompts.asking("как зовут мою собаку")
        return next(asked if asks else told)

    return baize_two_call.run(staged(answer, [dog]), [dog], 0)[0]


def test_both_roles_speak_and_thanks_end_the_talk(staged, dog):
    made = talk(staged, dog, ["Скажи имя моей собаки.", prompts.THANKS], [NAME])

    assert not made.reason
    assert [("user", "Скажи имя моей собаки."), dog.messages[1]] == made.turns


def test_the_last_exchange_stays(staged, dog):
    made = talk(staged, dog, ["Имя моей собаки?", "Как зовут собаку?"], [NAME, NAME])

    assert 4 == len(made.turns)
    assert ("assistant", NAME) == made.turns[-1]


def test_the_assistant_is_reminded_and_the_reminder_is_not_kept(staged, dog):
    seen = []

    def answer(conversation):
        seen.append(conversation)
        return "Имя моей собаки?" if len(seen) == 1 else NAME

    made = baize_two_call.run(staged(answer, [dog]), [dog], 0)[0]

    assert prompts.memory(["твою собаку зовут Буран"]) == seen[1][0]["content"]
    assert "system" not in {role for role, _ in made.turns}


def test_the_users_side_sees_the_talk_with_the_roles_swapped(staged, dog):
    seen = []

    def answer(conversation):
        seen.append(conversation)
        return NAME if len(seen) % 2 == 0 else f"{len(seen)} собака?"

    baize_two_call.run(staged(answer, [dog]), [dog], 0)

    assert prompts.asking("как зовут мою собаку") == seen[0][0]["content"]
    assert ["system", "user", "assistant", "user"] == [m["role"] for m in seen[2]]


@pytest.mark.parametrize(
    ("questions", "answers", "reason"),
    [
        ([prompts.THANKS], [], "no_question"),
        ([""], [], "question_empty"),
        (["Где мой зонт?"], ["Твой зонт в шкафу."], "ungrounded"),
        (["Где живёт сурок?"], [NAME], "beside_the_point"),
        (["Как зовут сурка?"], [NAME], "off_topic"),
        (["Кто такой сурок?"], [prompts.UNKNOWN], "unknown_answer"),
        (["Кто такой сурок?"], ["Как языковая модель, я не могу ответить."], "refusal"),
        (["Кто ты?"], ["Я сайга, русская помощница."], "self_mention"),
    ],
)
def test_a_talk_that_is_not_kept_says_why(staged, dog, questions, answers, reason):
    made = talk(staged, dog, questions, answers)

    assert reason == made.reason


def test_a_bad_second_round_leaves_the_first(staged, dog):
    made = talk(staged, dog, ["Имя моей собаки?", "Имя моей собаки?"], [NAME])

    assert not made.reason
    assert 2 == len(made.turns)
