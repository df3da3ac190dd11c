"""An answer, a critique by a principle, a revision; both become what they can teach."""

from models.evaluation.pairwise import Opinion
from models.primer import prompts
from models.self_chat import constitution

NAME = "Твою собаку зовут Буран."
ASKED = "Имя моей собаки?"


class Prefers:
    """A judge that always prefers one text."""

    judge_id = "prefers"

    def __init__(self, text):
        self.text = text

    def judge(self, _question, first, second, facts=()):
        return Opinion("first" if first == self.text else "second", "")


def test_a_revision_becomes_a_dialogue_and_is_preferred_to_the_first_answer(staged, dog):
    (made,) = constitution.run(staged([ASKED, prompts.UNKNOWN, "Неверно.", NAME], [dog]), [dog], 0)

    (choice,) = made.preferences
    assert not made.reason
    assert [("user", ASKED), ("assistant", NAME)] == made.turns
    assert (NAME, prompts.UNKNOWN, "critique") == (choice.chosen, choice.rejected, choice.origin)
    assert made.principle in {"politeness", "truth", "language", "brevity"}


def test_an_answer_without_a_flaw_teaches_nothing(staged, dog):
    (made,) = constitution.run(staged([ASKED, NAME, "Хорошо."], [dog]), [dog], 0)

    assert ("nothing_to_mend", []) == (made.reason, made.preferences)


def test_a_revision_that_nobody_told_is_refused(staged, dog):
    said = [ASKED, NAME, "Неверно.", "Твою собаку зовут Полкан."]
    (made,) = constitution.run(staged(said, [dog]), [dog], 0)

    assert ("ungrounded", []) == (made.reason, made.preferences)


def test_the_critic_remembers_what_the_answer_was_given_without(staged, dog):
    seen = []
    texts = iter([ASKED, prompts.UNKNOWN, "Неверно.", NAME])

    def answer(conversation):
        seen.append(conversation)
        return next(texts)

    constitution.run(staged(answer, [dog]), [dog], 0)

    assert [m["role"] for m in seen[1]] == ["user"]
    assert "твою собаку зовут Буран" in seen[2][0]["content"]


def test_another_model_may_overrule_the_revision(staged, dog):
    said = [ASKED, prompts.UNKNOWN, "Неверно.", NAME]
    (made,) = constitution.run(staged(said, [dog], judge=Prefers(prompts.UNKNOWN)), [dog], 0)

    assert "judge_disagrees" == made.reason
    assert ("prefers", -1.0) == (made.judge, made.scores["judge"])
