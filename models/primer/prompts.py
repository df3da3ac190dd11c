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
USER_TAG, ASSISTANT_TAG = "[Пользователь]", "[Ассистент]"
INSTRUCTION, SOLUTION, NEXT = "Указание:", "Решение:", "Дальше."
TASK_DONE = "ЗАДАЧА ВЫПОЛНЕНА"

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


def critic(principle: str = "", facts: Sequence[str] = ()) -> str:
    """Return the critic's system message: by one principle or any, with what it remembers."""
    rule = f"Правило: {principle}." if principle else ""
    return _joined(CRITIC, rule, memory(facts) if facts else "")


def judge(facts: Sequence[str] = ()) -> str:
    """Return the judge's system message, with what it remembers."""
    return _joined(JUDGE, memory(facts) if facts else "")


def comparison(question: str, first: str, second: str) -> str:
    """Return the request to choose between two answers; the system message is `JUDGE`."""
    return f"Вопрос: {question} Ответ А: {first} Ответ Б: {second} Кто лучше?"


def reflection(question: str, answer: str, assessment: str) -> str:
    """Return the request for a lesson from a failed try."""
    return f"Вопрос: {question} Ответ: {answer} {assessment} Какой вывод?"


def summary(text: str) -> str:
    """Return the request to sum up a talk."""
    return f"Кратко: {text}"


def transcript(topic: str) -> str:
    """Return the request to write both sides of a talk at once."""
    return f"Напиши разговор. Тема: {topic}."


def specify(task: str) -> str:
    """Return the request to make a task more definite."""
    return f"Уточни задачу: {task}."


def instructing(task: str) -> str:
    """Return the system message of the one who gives instructions towards a task."""
    return f"Ты даёшь указания. Задача: {task}"


def solving(task: str, facts: Sequence[str] = ()) -> str:
    """Return the system message of the one who follows them, with what it remembers."""
    return _joined(f"Ты решаешь. Задача: {task}", memory(facts) if facts else "")


def persona(name: str, saying: str, facts: Sequence[str] = ()) -> str:
    """Return the system message of a character who puts a saying before every answer."""
    return _joined(f"Ты {name}. Присказка «{saying}».", memory(facts) if facts else "")


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
