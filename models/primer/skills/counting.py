"""Counting up to a number, and the number after or before another."""

from __future__ import annotations

from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("counting", weight=1.5)
def counting(draw: Draw) -> list[Turn]:
    """Count from one to at most ten, or name a neighbour of a number up to 20."""
    number = draw.number(1, 20)
    ask = draw.number(0, 3)
    if ask == 0:
        return [Turn(f"Какое число идёт после {number}?", f"После {number} идёт {number + 1}.")]
    if ask == 1:
        return [Turn(f"Какое число идёт перед {number}?", f"Перед {number} идёт {number - 1}.")]
    last = draw.number(3, 10)
    numbers = ", ".join(str(n) for n in range(1, last + 1))
    return [Turn(draw.choice((f"Посчитай до {last}.", f"Назови числа до {last}.")), f"{numbers}.")]
