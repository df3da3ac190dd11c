"""Both sides in one answer: the parser loses only what was cut, and survives anything."""

import random

import pytest

from models.backends import Generation
from models.primer import prompts
from models.self_chat import baize_one_call
from models.self_chat.baize_one_call import parse

USER, ASSISTANT = prompts.USER_TAG, prompts.ASSISTANT_TAG
WHOLE = f"{USER} Раз? {ASSISTANT} Два. {USER} Три? {ASSISTANT} Четыре."
TURNS = (("user", "Раз?"), ("assistant", "Два."), ("user", "Три?"), ("assistant", "Четыре."))


def test_every_exchange_is_read_the_last_one_too():
    assert (TURNS, "") == parse(Generation(WHOLE, "stop", 9))


def test_a_talk_that_was_cut_loses_the_exchange_that_was_cut():
    assert (TURNS[:2], "") == parse(Generation(WHOLE, "length", 9))


def test_a_question_that_nobody_answered_is_left_out():
    assert (TURNS, "") == parse(Generation(f"{WHOLE} {USER} Пять?", "stop", 9))


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        ("", "stop", "no_tags"),
        ("Просто слова.", "stop", "no_tags"),
        (f"{USER} Раз?", "stop", "too_short"),
        (f"{USER} Раз? {ASSISTANT} Дв", "length", "too_short"),
        (f"{ASSISTANT} Два. {USER} Раз?", "stop", "wrong_order"),
        (f"{USER} Раз? {USER} Два?", "stop", "wrong_order"),
    ],
)
def test_what_is_no_talk_says_why(text, finish, reason):
    assert ((), reason) == parse(Generation(text, finish, 1))


def test_ten_thousand_broken_talks_are_read_or_refused_with_a_reason():
    rng = random.Random(7)
    pieces = [USER, ASSISTANT, " ", "\n", "Да.", "?", USER[:5], ASSISTANT[1:], "\0", "🔩", "[", "]"]
    for _ in range(10_000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(14)))
        turns, reason = parse(Generation(text, rng.choice(("stop", "length")), 1))

        assert bool(turns) != bool(reason)
        assert len(turns) % 2 == 0
        assert all(role == ("user", "assistant")[n % 2] for n, (role, _) in enumerate(turns))


def test_a_sound_talk_is_kept_and_an_unsound_end_cut_off(staged, dog):
    name = "Твою собаку зовут Буран."
    text = f"{USER} Имя моей собаки? {ASSISTANT} {name} {USER} Где зонт? {ASSISTANT} Зонт в шкафу."

    (made,) = baize_one_call.run(staged([text], [dog]), [dog], 0)

    assert not made.reason
    assert [("user", "Имя моей собаки?"), ("assistant", name)] == made.turns


def test_a_talk_without_one_sound_exchange_is_refused(staged, dog):
    text = f"{USER} Где зонт? {ASSISTANT} Зонт в шкафу."

    (made,) = baize_one_call.run(staged([text], [dog]), [dog], 0)

    assert "ungrounded" == made.reason
