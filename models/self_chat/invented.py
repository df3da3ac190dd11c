"""An invented person: facts in words that the embedded base never met, for measurements."""

from __future__ import annotations

import random

from models.self_chat import Seed


def invented_facts(count: int) -> list[Seed]:
    """Return facts of an invented person as dialogues, in words that the primer's schooling lacks.

    The same for the same count; no two of them contradict each other.
    """
    from models.primer.draw import Draw
    from models.primer.facts import draw_facts

    draw = Draw(random.Random("invented"), "held_out")
    return [
        Seed(f"told-{n:04d}", (("user", fact.question(draw)), ("assistant", fact.sentence)))
        for n, fact in enumerate(draw_facts(draw, count))
    ]
