"""Addition of numbers up to 10, and subtraction below 10: what is larger needs the calculator."""

from __future__ import annotations

from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("sums", weight=4.5)
def sums(draw: Draw) -> list[Turn]:
    """Add two numbers, or take the smaller from the larger."""
    if draw.chance(0.65):
        a, b = draw.number(0, 10), draw.number(0, 10)
        asked = draw.choice((f"Сколько будет {a} плюс {b}?", f"Сложи {a} и {b}."))
        return [Turn(asked, f"{a} плюс {b} будет {a + b}.")]
    b, a = sorted((draw.number(0, 9), draw.number(0, 9)))
    asked = draw.choice((f"Сколько будет {a} минус {b}?", f"Вычти {b} из {a}."))
    return [Turn(asked, f"{a} минус {b} будет {a - b}.")]
