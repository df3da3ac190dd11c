"""Repeating words, most of them never seen before: copying is the root of memory."""

from __future__ import annotations

from models.primer import language as lang
from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("repeating", weight=2)
def repeating(draw: Draw) -> list[Turn]:
    """Repeat one to four dictionary words, or a number."""
    if draw.chance(0.2):
        number = draw.number(10, 9999)
        return [Turn(f"Повтори: {number}.", f"{number}.")]
    words = [
        draw.choice((draw.thing, draw.being, draw.adjective))() for _ in range(draw.number(1, 4))
    ]
    text = " ".join(words)
    return [Turn(draw.choice((f"Повтори: {text}.", f"Скажи: {text}.")), f"{lang.capital(text)}.")]
