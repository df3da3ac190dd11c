"""How somebody feels, and a kind word in reply: several replies are right."""

from __future__ import annotations

from models.primer.draw import Draw
from models.primer.registry import Turn, skill

REPLIES = {
    "Мне грустно.": ("Мне жаль. Давай поговорим о степи.", "Понимаю. Позвони другу."),
    "Мне скучно.": ("Спроси меня о животных.", "Давай посчитаем вместе."),
    "Мне страшно.": ("Не бойся, я рядом.", "Подыши медленно и глубоко."),
    "Мне весело.": ("Это здорово!", "Рад за тебя!"),
    "Мне холодно.": ("Надень шапку.", "Выпей горячего чая."),
    "Мне жарко.": ("Выпей воды.", "Посиди в тени."),
    "Я устал.": ("Отдохни немного.", "Отложи дела и полежи."),
    "Я проголодался.": ("Приготовь кашу.", "Спроси меня рецепт."),
    "Я болею.": ("Поправляйся! Пей тёплый чай.", "Выздоравливай! Побольше спи."),
}


@skill("moods", weight=1)
def moods(draw: Draw) -> list[Turn]:
    """Name a mood and hear a reply to it."""
    mood = draw.choice(tuple(REPLIES))
    return [Turn(mood, draw.choice(REPLIES[mood]), determined=False)]
