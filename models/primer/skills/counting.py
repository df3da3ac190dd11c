"""Counting up and down, and the number after or before another."""

from __future__ import annotations

from models.primer.draw import Draw
from models.primer.registry import Turn, skill


@skill("counting", weight=2.5)
def counting(draw: Draw) -> list[Turn]:
    """Count a short stretch, or name a neighbour of a number up to 20."""
    first = draw.number(0, 14)
    last = first + draw.number(2, 5)
    ask = draw.number(0, 3)
    if ask == 0:
        return [Turn(f"Какое число идёт после {first}?", f"После {first} идёт {first + 1}.")]
    if ask == 1:
        return [Turn(f"Какое число идёт перед {last}?", f"Перед {last} идёт {last - 1}.")]
    numbers = ", ".join(str(n) for n in range(first, last + 1))
    asked = draw.choice((f"Посчитай от {first} до {last}.", f"Назови числа от {first} до {last}."))
    return [Turn(asked, f"{numbers}.")]
