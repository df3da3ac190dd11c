"""Several answers, judged in pairs and in both orders; the best is kept."""

from dataclasses import replace

from models.evaluation.pairwise import Opinion
from models.self_chat import distillation

NAME = "Твою собаку зовут Буран."
OTHER = "Собаку зовут Полкан."


class Longer:
    """A judge that prefers the longer answer."""

    judge_id = "longer"

    def judge(self, _question, first, second, facts=()):
        return Opinion("first" if len(first) > len(second) else "second", "")


class First:
    """A judge that goes by the order alone."""

    judge_id = "first"

    def judge(self, _question, _first, _second, facts=()):
        return Opinion("first", "")


def test_the_best_answer_is_kept_and_preferred_to_the_worst(staged, dog):
    said = ["Имя моей собаки?", OTHER, NAME, OTHER]
    (made,) = distillation.run(staged(said, [dog], judge=Longer()), [dog], 0)

    (choice,) = made.preferences
    assert not made.reason
    assert ("assistant", NAME) == made.turns[-1]
    assert (NAME, OTHER, "judge") == (choice.chosen, choice.rejected, choice.origin)


def test_what_the_judge_took_is_billed(staged, dog):
    class Costly(Longer):
        def judge(self, *asked):
            return replace(super().judge(*asked), tokens=100, seconds=2.0)

    said = ["Имя моей собаки?", OTHER, NAME, OTHER]
    (free,) = distillation.run(staged(said, [dog], judge=Longer()), [dog], 0)
    (made,) = distillation.run(staged(said, [dog], judge=Costly()), [dog], 0)

    assert 200 == made.tokens - free.tokens
    assert 4.0 == made.seconds - free.seconds


def test_a_judge_that_goes_by_the_order_decides_nothing(staged, dog):
    said = ["Имя моей собаки?", OTHER, NAME, OTHER]
    (made,) = distillation.run(staged(said, [dog], judge=First()), [dog], 0)

    assert ("judge_undecided", []) == (made.reason, made.preferences)


def test_without_another_model_to_judge_nothing_is_kept(staged, dog):
    (made,) = distillation.run(staged([], [dog]), [dog], 0)

    assert "no_other_judge" == made.reason


def test_answers_that_are_all_the_same_cannot_be_ranked(staged, dog):
    said = ["Имя моей собаки?", NAME, NAME, NAME]
    (made,) = distillation.run(staged(said, [dog], judge=Longer()), [dog], 0)

    assert "all_the_same" == made.reason
