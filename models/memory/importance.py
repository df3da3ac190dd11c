"""How much a fact matters, 1 to 10.

The scale is that of Generative Agents' poignancy (Park et al. 2023, arXiv 2304.03442, §4.1: 1 is
brushing teeth, 10 a break-up); there a model rates, here words do.  The values are ours: what is
dangerous to forget stands highest, where a thing lies lowest.
"""

from __future__ import annotations

import re

LEAST, MOST, USUAL = 1, 10, 4
SUMMARY, REFLECTION = 3, 6
TURN = 2
"""Of a turn that became no memory."""

_RULES = (
    (9, r"аллерги|диабет|астм|болезн|болеешь|болеет|лекарств|инсулин|операци|беременн|инвалид"),
    (9, r"нельзя (?:есть|пить)|умер|погиб|развел|развёл|похорон"),
    (8, r"женился|вышла замуж|родил(?:ся|ась)? (?:сын|дочь|ребёнок)|уволил|переехал"),
    (7, r"день рождения|родил(?:ся|ась)|тебя зовут|боишься|страх|мечта"),
    (7, r"\b(?:жен|муж|дочь|дочер|сын|мам|пап|отец|отц)\w* зовут|зовут .*(?:жен|муж|дочь|мам)"),
    (6, r"живёшь|живешь|работаешь|профессия|учишься|зовут|свадьб|поедешь|поездк"),
    (5, r"люби(?:шь|м)|нравится|не (?:ешь|пьёшь|любишь)|врач|ешь|пьёшь|лет\b|тебе надо"),
    (3, r"лежит|лежат|стоит|стоят|висит|висят|хранится|номер|цвет|примета"),
)
_COMPILED = tuple((value, re.compile(pattern, re.IGNORECASE)) for value, pattern in _RULES)


def importance(text: str) -> int:
    """Return how much a fact matters by its words: the first rule that applies, else 4."""
    return next((value for value, pattern in _COMPILED if pattern.search(text)), USUAL)


def clamped(value: float) -> int:
    """Return a rating as a whole number of 1 to 10."""
    return max(LEAST, min(MOST, round(value)))
