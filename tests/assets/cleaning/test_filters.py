"""Whole dialogues: greetings alone, and English answers to Russian questions."""

import pytest

from assets.cleaning import load_policy
from assets.cleaning.filters import foreign_answer
from assets.cleaning.greetings import only_greets
from assets.cleaning.languages import language_of
from assets.cleaning.rules import Candidate
from lake.schemas import Message

POLICY = load_policy()
ENGLISH = "A significant number of studies have been conducted on this topic."


def talk(*contents: str) -> Candidate:
    messages = tuple(
        Message(("user", "assistant")[n % 2], content) for n, content in enumerate(contents)
    )
    return Candidate(messages, language_of("\n".join(contents)), sum(map(len, contents)))


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (("Привет!", "Привет! Чем я могу помочь?"), "only_greeting"),
        (("Здравствуйте", "Здравствуйте! Чем могу вам помочь сегодня?"), "only_greeting"),
        (("Hello!", "Hi! How can I help you today?"), "only_greeting"),
        (("Привет!", "Привет! О чём поговорим?"), None),
        (("Здравствуй!", "Здравствуй! Чем помочь?"), None),
        (("Привет!", "Чем я могу помочь?", "Где мои ключи?", "На полке."), None),
        (("Привет, где мои ключи?", "Привет! Чем я могу помочь?"), None),
    ],
)
def test_a_greeting_alone_is_no_dialogue(contents, reason):
    assert only_greets(talk(*contents), POLICY) == reason


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (("Перефразируй: на данную тему есть куча работ.", ENGLISH), "foreign_answer"),
        (("Расскажи о теме.", "Хорошо.", "Ну?", ENGLISH), "foreign_answer"),
        (("Переведи: на эту тему есть работы.", ENGLISH), None),
        (("Напиши предложение на английском.", ENGLISH), None),
        (("Как это будет по-английски?", ENGLISH), None),
        (("Перескажи: many studies were done", ENGLISH), None),
        (("Какие фильмы снял Спайк Ли?", "Do the Right Thing, Jungle Fever, Girl 6"), None),
        (("Напиши функцию.", "```py\nfor the in of:\n    is_and = the\n```"), None),
        (("Как тебя зовут?", "I am Steppe."), None),
    ],
)
def test_a_russian_question_is_not_answered_in_english(contents, reason):
    assert foreign_answer(talk(*contents), POLICY) == reason
