"""What a sentence of a person is: a fact told, or the word for what it is instead."""

import pytest

from models.memory.statements import (
    is_acknowledgement,
    is_confirmation,
    is_question,
    is_unknown,
    sentences,
    stripped,
    why_not,
)


@pytest.mark.parametrize(
    "told",
    [
        "Запомни: мою собаку зовут Буран.",
        "Запомни, пожалуйста, что я живу в Омске.",
        "Кстати, красный закат — к ветру.",
        "Я работаю на станции у озера.",
        "У меня аллергия на орехи",
        "Нет, мою собаку зовут Бим.",
        "Не ем рыбу.",
        "Мне надо купить зонт.",
        "Меня зовут Аня.",
    ],
)
def test_what_is_told_of_oneself_is_a_fact(told: str) -> None:
    assert "" == why_not(told)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Как зовут мою собаку?", "question"),
        ("Где мои ключи", "question"),
        ("А какая у меня машина", "question"),
        ("Забыл имя собаки. ", "question"),
        ("Не могу найти ключи.", "question"),
        ("Напомни, где я работаю.", "request"),
        ("Напиши мне стихи про осень.", "request"),
        ("Привет, как дела", "small_talk"),
        ("Спасибо, ты мне помог.", "small_talk"),
        ("Мне страшно.", "passing"),
        ("Я болею.", "passing"),
        ("Я думаю, что это странно.", "passing"),
        ("Если бы я жил в Омске, я бы ловил рыбу.", "supposition"),
        ("Собака лает.", "not_about_the_person"),
        ("Мой телефон [телефон 1].", "secret"),
        ("Запомни: мой пароль — ромашка.", "secret"),
        ("Мой код 12345678.", "secret"),
        ("Участник 2: я живу в Омске.", "somebody_else"),
        ("Моя.", "too_short"),
        ("Я живу " + "в доме " * 40, "too_long"),
    ],
)
def test_everything_else_has_a_reason(said: str, reason: str) -> None:
    assert reason == why_not(said)


def test_what_was_acknowledged_need_not_speak_of_oneself() -> None:
    assert "not_about_the_person" == why_not("Чашка стоит под столом.")
    assert "" == why_not("Чашка стоит под столом.", acknowledged=True)
    assert "question" == why_not("Где чашка?", acknowledged=True)


def test_the_words_of_telling_are_taken_off() -> None:
    assert "мою собаку зовут Буран" == stripped("Запомни: мою собаку зовут Буран.")
    assert "мою собаку зовут Бим" == stripped("Нет, мою собаку зовут Бим!")
    assert "красный закат — к ветру" == stripped("Кстати, красный закат — к ветру.")


def test_a_turn_is_cut_into_sentences() -> None:
    assert ["Меня зовут Аня.", "Я живу в Омске."] == list(
        sentences("Меня зовут Аня. Я живу в Омске.")
    )
    assert ["дом № 5 на ул. мира"] == list(sentences("дом № 5 на ул. мира"))


def test_yes_and_taking_note_and_not_knowing_are_told_apart() -> None:
    assert is_confirmation("Да, верно.")
    assert not is_confirmation("Да нет, не так")
    assert not is_confirmation("Верно?")
    assert is_acknowledgement("Запомнил: ты живёшь в Омске.")
    assert is_unknown("Я этого не знаю. Расскажи мне.")
    assert not is_question("Я знаю, где мои ключи лежат")
