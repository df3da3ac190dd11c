"""A whole talk in one answer: both sides, each turn under its tag (Baize's self-chat)."""

from __future__ import annotations

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.facts import draw_facts
from models.primer.formats.user_side import about_animal, about_plant
from models.primer.registry import Said, Turn, dialogue_format


def written(turns: list[Turn]) -> str:
    """Return the turns as one text with tags."""
    return " ".join(
        f"{prompts.USER_TAG} {turn.question} {prompts.ASSISTANT_TAG} {turn.answer}"
        for turn in turns
    )


@dialogue_format("transcript", weight=2)
def transcript(draw: Draw) -> list[Said]:
    """Write a talk about an animal, a plant, or what is remembered of a person's life."""
    if draw.chance(0.55):
        facts = draw_facts(draw, draw.number(1, 3))
        fact = draw.choice(facts)
        asked = list(dict.fromkeys(fact.question(draw) for _ in range(draw.number(1, 2))))
        remembered = [Said("system", prompts.memory([f.answer for f in facts]))]
        topic, turns = fact.topic, [Turn(question, fact.sentence) for question in asked]
        if draw.chance(0.5):
            topic = draw.choice(fact.clauses)
    else:
        topic, turns = draw.choice((about_animal, about_plant))(draw)
        remembered = []
    return [
        *remembered,
        Said("user", prompts.transcript(topic)),
        Said("assistant", written(turns)),
    ]
