"""A person's question in other words, with the person's own answer."""

import pytest

from models.backends import Loss
from models.self_chat import paraphrase
from models.testing import EchoModel


def test_a_paraphrase_is_answered_by_the_person_not_by_the_model(staged, dog):
    (made,) = paraphrase.run(staged(["Какое имя у моей собаки?"], [dog]), [dog], 0)

    assert not made.reason
    assert [("user", "Какое имя у моей собаки?"), dog.messages[1]] == made.turns


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
def test_a_paraphrase_that_is_not_kept_says_why(staged, dog, answer, reason):
    (made,) = paraphrase.run(staged([answer], [dog]), [dog], 0)

    assert reason == made.reason


def test_words_that_bring_another_answer_to_mind_are_refused(staged, dog, cat):
    class Forgetful(EchoModel):
        def loss(self, conversations, /):
            wrong = "Твою собаку зовут Буран."
            return [Loss(float(c[-1]["content"] == wrong), 1) for c in conversations]

    model = Forgetful(answer=lambda c: "Имя моей собаки?" if "собаку" in str(c) else "Кот что ест?")

    made = paraphrase.run(staged(None, [dog, cat], model=model), [dog, cat], 0)

    assert ["not_answered", ""] == [draft.reason for draft in made]
