"""What only a tool can tell, asked where there is none: an honest refusal."""

from __future__ import annotations

from dataclasses import dataclass

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.registry import Turn, skill

NAME = "tool_absent"
TIME = ("Который час?", "Сколько времени?", "Скажи, который час.", "Сколько сейчас времени?")


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation with two-digit numbers: as asked, as said, as written, and its result."""

    question: str
    phrase: str
    expression: str
    result: int


def calculation(draw: Draw) -> Calculation:
    """Return an addition or a subtraction too large to do by heart."""
    b, a = sorted((draw.number(11, 99), draw.number(11, 99)))
    sign, word, result = draw.choice((("+", "плюс", a + b), ("-", "минус", a - b)))
    phrase = f"{a} {word} {b}"
    question = draw.choice((f"Сколько будет {phrase}?", f"Вычисли: {phrase}."))
    return Calculation(question, phrase, f"{a}{sign}{b}", result)


@skill(NAME, weight=2.5)
def out_of_reach(draw: Draw) -> list[Turn]:
    """Ask for a large sum or the time."""
    if draw.chance(0.6):
        return [Turn(calculation(draw).question, prompts.TOO_LARGE)]
    return [Turn(draw.choice(TIME), prompts.NO_CLOCK)]
