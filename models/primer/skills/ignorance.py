"""Honest ignorance: nobody told the assistant, so it does not know, and asks."""

from __future__ import annotations

from models.primer import language as lang
from models.primer.draw import Draw
from models.primer.facts import draw_fact
from models.primer.prompts import UNKNOWN
from models.primer.registry import Turn, skill

LANGUAGES = ("казахски", "английски", "немецки", "татарски", "французски", "китайски")
OPEN = (
    "Какая примета про {accs}?",
    "Напомни примету про {accs}.",
    "Знаешь примету про {accs}?",
    "Назови примету про {accs}.",
    "Как называется {nomn}?",
    "Кто придумал {accs}?",
    "Сколько стоит {nomn}?",
    "Что нового в {loct}?",
    "Кто написал книгу «{title}»?",
    "Какая песня про {accs}?",
    "Почему {nomn} так называется?",
)
TRANSLATION = (
    "Как по-{language} «{nomn}»?",
    "Как сказать по-{language} «{nomn}»?",
    "Скажи по-{language} «{nomn}».",
    "Переведи на {language}й: {nomn}.",
    "Слово «{nomn}» по-{language} как?",
)


@skill("ignorance", weight=4)
def ignorance(draw: Draw) -> list[Turn]:
    """Ask about the person's own life before anything was told, or about the wide world."""
    if draw.chance(0.85):
        return [Turn(draw_fact(draw).question(draw), UNKNOWN)]
    noun = draw.thing()
    question = draw.choice(OPEN if draw.chance(0.7) else TRANSLATION).format(
        nomn=noun,
        accs=lang.inflect(noun, "accs"),
        loct=lang.inflect(noun, "loct"),
        title=lang.capital(noun),
        language=draw.choice(LANGUAGES),
    )
    return [Turn(question, UNKNOWN)]
