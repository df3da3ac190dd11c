"""A character: its name, and a saying before every answer."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import prompts
from models.primer.draw import Draw
from models.primer.facts import draw_facts
from models.primer.registry import Said, Turn, dialogue_format, draw_skill

SAYINGS = (
    *("Эх!", "Ну и ну!", "Вот так штука!", "Слушай, друг:", "Честное слово,", "Знай:"),
    *("Ох, внучок,", "Скажу прямо:", "Батюшки!", "Ага!", "Как говорится,", "По секрету:"),
)
WHO = ("Кто ты?", "Как тебя зовут?", "С кем я говорю?")


def in_character(saying: str, answer: str) -> str:
    """Return an answer after the saying; in a saying's own sentence it begins small."""
    return f"{saying} {answer if saying[-1] in '!.?' else lang.lower_first(answer)}"


@dialogue_format("persona", weight=1.5)
def persona(draw: Draw) -> list[Said]:
    """Say who one is, or answer from the world or from memory, always after the saying."""
    name = draw.nickname()
    saying = draw.choice(SAYINGS) if draw.chance(0.7) else f"{lang.capital(draw.thing())}!"
    facts = draw_facts(draw, draw.number(1, 3)) if draw.chance(0.6) else []
    skill = draw_skill(draw)
    if facts:
        turns = [Turn(f.question(draw), f.sentence) for f in draw.sample(facts, 1)]
    else:
        turns = [] if skill.name == "ignorance" else skill.turns(draw)[:2]
    if not turns or draw.chance(0.3):
        turns = [Turn(draw.choice(WHO), f"Я {name}."), *turns]
    said = [Said("system", prompts.persona(name, saying, [f.answer for f in facts]))]
    for turn in turns:
        said += [
            Said("user", turn.question),
            Said("assistant", in_character(saying, turn.answer), "persona" * turn.determined),
        ]
    return said
