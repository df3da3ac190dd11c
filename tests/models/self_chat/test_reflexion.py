"""A failed answer, its lesson, another try with the last lessons in mind."""

from models.primer import prompts
from models.self_chat import reflexion

NAME = "Твою собаку зовут Буран."
LESSON = "Надо вспомнить точно."


def test_a_failure_that_was_mended_is_told_with_its_lesson(staged, dog):
    said = ["Имя моей собаки?", prompts.UNKNOWN, LESSON, NAME]
    (made,) = reflexion.run(staged(said, [dog]), [dog], 0)

    (choice,) = made.preferences
    assert not made.reason
    assert [LESSON, NAME] == [text for role, text in made.turns if role == "assistant"]
    assert prompts.UNKNOWN in made.turns[0][1]
    assert (NAME, prompts.UNKNOWN, "reflection") == (choice.chosen, choice.rejected, choice.origin)


def test_what_was_right_at_once_has_no_lesson(staged, dog):
    (made,) = reflexion.run(staged(["Имя моей собаки?", NAME], [dog]), [dog], 0)

    assert "right_at_once" == made.reason


def test_what_never_came_right_is_refused(staged, dog):
    said = ["Имя моей собаки?", *[prompts.UNKNOWN, LESSON] * 3]
    (made,) = reflexion.run(staged(said, [dog]), [dog], 0)

    assert "never_right" == made.reason


def test_a_lesson_that_says_nothing_is_not_taught(staged, dog):
    said = ["Имя моей собаки?", prompts.UNKNOWN, "", NAME]
    (made,) = reflexion.run(staged(said, [dog]), [dog], 0)

    assert ("lesson_empty", []) == (made.reason, made.preferences)


def test_no_answer_is_a_failure_too(staged, dog):
    said = ["Имя моей собаки?", "", LESSON, NAME]
    (made,) = reflexion.run(staged(said, [dog]), [dog], 0)

    assert not made.reason
    assert prompts.UNKNOWN in made.turns[0][1]


def test_only_the_last_lessons_are_kept_in_mind():
    trial = reflexion._Trial(None)
    trial.failed = [(str(n), f"урок {n}") for n in range(5)]

    assert ["урок 2", "урок 3", "урок 4"] == trial.lessons
