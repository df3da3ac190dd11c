"""A whole run: every dialogue comes back, budgets end it, and a killed run goes on."""

from dataclasses import replace

import pytest

from models.self_chat import METHODS, Plan, Seed
from models.self_chat.generation import CHUNK, forget, generate
from models.testing import EchoModel


def asks(conversation):
    return "Имя моей собаки?" if "Скажи иначе" in conversation[-1]["content"] else "Хорошо."


def many(dog, count):
    return [replace(dog, dialogue_id=f"d{n:03}") for n in range(count)]


@pytest.mark.parametrize("method", METHODS)
def test_every_begun_dialogue_comes_back_kept_or_with_its_reason(staged, dog, method):
    seeds = many(dog, 7)
    made = generate(staged(asks, seeds, draws={method: 2}), seeds)

    assert 14 == len(made)
    assert {method} == {chat.method for chat in made}
    assert all(chat.kept == (chat.reason == "") for chat in made)


def test_a_dialogue_names_its_parents_its_generator_and_its_depth(staged, dog):
    (made,) = generate(staged(asks, [dog], draws={"paraphrase": 1}, depth=2), [dog])

    assert (("dog",), "echo", 3) == (made.parents, made.generator, made.ancestry_depth)


def test_tokens_and_seconds_are_billed(staged, dog):
    (made,) = generate(staged(asks, [dog], draws={"paraphrase": 1}), [dog])

    assert len("Имя моей собаки?") == made.tokens
    assert made.seconds >= 0


def test_the_same_question_is_kept_once(staged, dog):
    seeds = many(dog, 2)
    made = generate(staged(asks, seeds, draws={"paraphrase": 1}), seeds)

    assert ["", "duplicate"] == [chat.reason for chat in made]


def test_a_question_of_the_exam_is_not_learned(staged, dog):
    stage = staged(asks, [dog], draws={"paraphrase": 1}, exam=["имя моей собаки"])

    assert ["in_exam"] == [chat.reason for chat in generate(stage, [dog])]


def test_what_was_asked_on_an_earlier_day_is_a_duplicate(staged, dog):
    stage = staged(asks, [dog], draws={"paraphrase": 1}, known=["Имя моей собаки"])

    assert ["duplicate"] == [chat.reason for chat in generate(stage, [dog])]


def test_what_may_not_be_said_is_refused_with_the_word(staged, dog):
    stage = staged(
        asks, [dog], draws={"paraphrase": 1}, moderate=lambda t: "собак" if "собак" in t else ""
    )

    assert ["moderated:собак"] == [chat.reason for chat in generate(stage, [dog])]


def test_the_order_of_the_seeds_does_not_matter(staged, dog):
    seeds = many(dog, 9)

    def run(ordered):
        return generate(staged(asks, ordered, draws={"paraphrase": 1}, max_seeds=4), ordered)

    assert run(seeds) == run(seeds[::-1])


def test_a_budget_of_tokens_ends_a_run_between_two_chunks(staged, dog):
    seeds = many(dog, 3 * CHUNK)
    made = generate(staged(asks, seeds, draws={"paraphrase": 1}, max_tokens=1), seeds)

    assert CHUNK == len(made)


def test_a_killed_run_goes_on_where_it_stopped(staged, dog, tmp_path):
    seeds = many(dog, 2 * CHUNK)
    said = []

    class Dies(EchoModel):
        def generate(self, conversations, **options):
            if len(said) == 1:
                raise KeyboardInterrupt
            said.append(conversations)
            return super().generate(conversations, **options)

    whole = generate(staged(asks, seeds, draws={"paraphrase": 1}), seeds)
    dying = staged(None, seeds, draws={"paraphrase": 1}, model=Dies(answer=asks))
    with pytest.raises(KeyboardInterrupt):
        generate(dying, seeds, journals=tmp_path)
    asked = []

    class Counts(EchoModel):
        def generate(self, conversations, **options):
            asked.append(len(conversations))
            return super().generate(conversations, **options)

    again = staged(None, seeds, draws={"paraphrase": 1}, model=Counts(answer=asks))

    assert whole == generate(again, seeds, journals=tmp_path)
    assert [CHUNK] == asked
    forget(tmp_path)
    assert not tmp_path.exists()


def test_progress_is_told_by_method(staged, dog):
    told = []
    generate(staged(asks, [dog], draws={"paraphrase": 2}), [dog], lambda *a: told.append(a))

    assert [("paraphrase", 1, 2), ("paraphrase", 2, 2)] == told


def test_thanks_and_farewells_are_no_seeds(dog):
    polite = Seed("d", (*dog.messages, ("user", "Спасибо!"), ("assistant", "Пожалуйста!")))

    assert (polite.question, polite.answer) == (dog.question, dog.answer)
    assert Seed("e", (("user", "Пока!"), ("assistant", "До встречи!"))).question == ""


def test_a_plan_names_only_methods_that_exist():
    assert set(Plan().draws) <= set(METHODS)
