"""The model talks; what is kept is grounded, new and well said, the rest has a reason."""

from dataclasses import replace

import pytest

from models.backends import Generation, Loss
from models.primer import prompts
from models.self_chat import Plan, Seed, generate, paraphrase, two_role
from models.self_chat.filters import Filters
from models.testing import EchoModel

DOG = Seed(
    "dog",
    (("user", "Как зовут мою собаку?"), ("assistant", "Твою собаку зовут Буран.")),
)
PLAN = Plan(paraphrases=1, rounds=2)


def reworded(answer, seed=DOG):
    found = paraphrase.run(EchoModel(answer=lambda _: answer), [seed], PLAN, Filters.over([seed]))
    return found[0]


def test_a_paraphrase_is_answered_by_the_person_not_by_the_model():
    made = reworded("Какое имя у моей собаки?")

    assert made.kept
    assert (("user", "Какое имя у моей собаки?"), DOG.messages[1]) == made.messages
    assert (made.parent_dialogue_id, made.ancestry_depth, made.method) == ("dog", 1, "paraphrase")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("как зовут мою собаку", "identical_to_parent"),
        ("Какое имя у моей кошки?", "drifted"),
        ("Где моя собака?", "drifted"),
        ("What is the name of my dog?", "not_russian"),
        ("Как собаку? Как собаку?", "repeats"),
        ("?!", "too_short"),
    ],
)
def test_a_paraphrase_that_is_not_kept_says_why(answer, reason):
    made = reworded(answer)

    assert (False, reason) == (made.kept, made.reason)


def test_an_answer_that_never_stops_is_not_kept():
    assert Filters().turn(Generation("Да, да", "length", 2)) == "no_stop"


def test_the_same_paraphrase_is_kept_once():
    model = EchoModel(answer=lambda _: "Какое имя у моей собаки?")
    found = paraphrase.run(model, [DOG], replace(PLAN, paraphrases=2), Filters.over([DOG]))

    assert [chat.reason for chat in found] == ["", "duplicate"]


def talk(questions, answers):
    """Hold one talk between a scripted user and a scripted assistant."""
    asked, told = iter(questions), iter(answers)

    def answer(conversation):
        asks = conversation[0]["content"] == prompts.asking("как зовут мою собаку")
        return next(asked if asks else told)

    return two_role.run(EchoModel(answer=answer), [DOG], PLAN, Filters.over([DOG]))[0]


def test_both_roles_speak_and_thanks_end_the_talk():
    made = talk(["Скажи имя моей собаки.", prompts.THANKS], ["Твою собаку зовут Буран."])

    assert made.kept
    assert made.messages == (("user", "Скажи имя моей собаки."), DOG.messages[1])


def test_the_assistant_is_reminded_and_the_reminder_is_not_kept():
    seen = []

    def answer(conversation):
        seen.append(conversation)
        return "Имя моей собаки?" if len(seen) == 1 else "Твою собаку зовут Буран."

    made = two_role.run(EchoModel(answer=answer), [DOG], PLAN, Filters.over([DOG]))[0]

    assert seen[1][0]["content"] == prompts.memory(["твою собаку зовут Буран"])
    assert "system" not in {role for role, _ in made.messages}


def test_the_users_side_sees_the_talk_with_the_roles_swapped():
    seen = []

    def answer(conversation):
        seen.append(conversation)
        return "Твою собаку зовут Буран." if len(seen) % 2 == 0 else f"{len(seen)} собака?"

    two_role.run(EchoModel(answer=answer), [DOG], PLAN, Filters.over([DOG]))

    assert prompts.asking("как зовут мою собаку") == seen[0][0]["content"]
    assert [m["role"] for m in seen[2]] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    ("questions", "answers", "reason"),
    [
        ([prompts.THANKS], [], "no_question"),
        ([""], [], "question_empty"),
        (["Где мой зонт?"], ["Твой зонт в шкафу."], "ungrounded"),
        (["Где живёт сурок?"], ["Твою собаку зовут Буран."], "off_topic"),
        (["Кто такой сурок?"], [prompts.UNKNOWN], "unknown_answer"),
        (["Как зовут мою собаку?", prompts.THANKS], ["Твою собаку зовут Буран."], "duplicate"),
    ],
)
def test_a_talk_that_is_not_kept_says_why(questions, answers, reason):
    made = talk(questions, answers)

    assert (False, reason) == (made.kept, made.reason)


def test_a_bad_second_round_leaves_the_first():
    made = talk(["Имя моей собаки?", "Имя моей собаки?"], ["Твою собаку зовут Буран."])

    assert made.kept
    assert len(made.messages) == 2


def test_a_question_of_the_exam_is_not_learned():
    model = EchoModel(answer=lambda _: "Какое имя у моей собаки?")

    made = generate(model, [DOG], PLAN, exam=["какое имя у моей собаки"])

    assert [chat.reason for chat in made if chat.method == "paraphrase"] == ["in_exam"]


def test_words_that_bring_another_answer_to_mind_are_refused():
    class Forgetful(EchoModel):
        def loss(self, conversations, /):
            wrong = "Твою собаку зовут Буран."
            return [Loss(float(c[-1]["content"] == wrong), 1) for c in conversations]

    cat = Seed("cat", (("user", "Что ест мой кот?"), ("assistant", "Твой кот ест рыбу.")))
    model = Forgetful(answer=lambda c: "Имя моей собаки?" if "собаку" in str(c) else "Кот что ест?")

    made = paraphrase.run(model, [DOG, cat], PLAN, Filters.over([DOG, cat]))

    assert [chat.reason for chat in made] == ["not_answered", ""]


def test_thanks_and_farewells_are_no_seeds():
    polite = Seed("d", (*DOG.messages, ("user", "Спасибо!"), ("assistant", "Пожалуйста!")))

    assert (polite.question, polite.answer) == (DOG.question, DOG.answer)
    assert Seed("e", (("user", "Пока!"), ("assistant", "До встречи!"))).question == ""


def test_every_begun_dialogue_comes_back():
    seeds = [replace(DOG, dialogue_id=f"d{i}") for i in range(7)]

    made = generate(EchoModel(), seeds, replace(PLAN, paraphrases=2))

    assert len(made) == 7 * 2 + 7
    assert all(chat.kept == (chat.reason == "") for chat in made)


def test_the_order_of_the_seeds_does_not_matter():
    seeds = [replace(DOG, dialogue_id=f"d{i}") for i in range(9)]
    few = replace(PLAN, max_seeds=4)

    assert generate(EchoModel(), seeds, few) == generate(EchoModel(), seeds[::-1], few)
