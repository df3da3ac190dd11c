"""The fixed phrases of every format: the later stages speak to the model with these.

The embedded base has met each format under exactly these words, so self-chat, memory, judging
and the rest build their prompts here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

UNKNOWN = "Я этого не знаю. Расскажи мне."
TOO_LARGE = "Без калькулятора не посчитаю."
NO_CLOCK = "У меня нет часов."

BEGIN = "Начинай."
THANKS = "Спасибо!"
CRITIC = "Ты проверяешь ответы."
REVISE = "Исправь ответ."
JUDGE = "Ты судья."
RETRY = "Попробуй ещё раз."

BETTER_FIRST, BETTER_SECOND, TIE = "А", "Б", "Поровну"


def memory(facts: Sequence[str]) -> str:
    """Return the system message with remembered facts, each without a full stop."""
    return f"Память: {'; '.join(facts)}."


def asking(topic: str) -> str:
    """Return the system message that makes the model play the user's side of a talk."""
    return f"Ты задаёшь вопросы. Тема: {topic}."


def tools(names: Sequence[str]) -> str:
    """Return the system message that lists the tools at hand."""
    return f"Инструменты: {', '.join(names)}."


def paraphrase(question: str) -> str:
    """Return the request to say a question in other words."""
    return f"Скажи иначе: {question}"


def critique(question: str, answer: str) -> str:
    """Return the request to assess an answer; the system message is `CRITIC`."""
    return f"Вопрос: {question} Ответ: {answer}"


def comparison(question: str, first: str, second: str) -> str:
    """Return the request to choose between two answers; the system message is `JUDGE`."""
    return f"Вопрос: {question} Ответ А: {first} Ответ Б: {second} Кто лучше?"


def reflection(question: str, answer: str, assessment: str) -> str:
    """Return the request for a lesson from a failed try."""
    return f"Вопрос: {question} Ответ: {answer} {assessment} Какой вывод?"


def summary(text: str) -> str:
    """Return the request to sum up a talk."""
    return f"Кратко: {text}"
