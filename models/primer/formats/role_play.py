"""Two roles and a task (CAMEL, arXiv 2303.17760): one instructs, one solves, until it is done."""

from __future__ import annotations

from models.primer import language as lang
from models.primer import prompts
from models.primer.draw import Draw
from models.primer.facts import draw_facts
from models.primer.formats.user_side import about_animal, about_plant
from models.primer.registry import Said, Turn, dialogue_format


def task_of(turns: list[Turn]) -> str:
    """Return a task in one sentence: to learn what the turns ask."""
    clauses = [lang.lower_first(turn.question.rstrip("?.")) for turn in turns]
    return f"узнать, {' и '.join(clauses)}."


@dialogue_format("role_play", weight=2)
def role_play(draw: Draw) -> list[Said]:
    """Specify a task, instruct towards it, or follow instructions."""
    if draw.chance(0.4):
        facts = draw_facts(draw, draw.number(1, 3))
        asked = draw.sample(facts, draw.number(1, min(2, len(facts))))
        topic, remembered = asked[0].topic, [fact.answer for fact in facts]
        turns = [Turn(f"{lang.capital(f.clauses[0])}?", f.sentence) for f in asked]
    else:
        topic, turns = draw.choice((about_animal, about_plant))(draw)
        remembered = []
    return draw.choice((_specified(topic, turns), _led(turns), _followed(turns, remembered)))


def _specified(topic: str, turns: list[Turn]) -> list[Said]:
    return [Said("user", prompts.specify(topic)), Said("assistant", task_of(turns))]


def _led(turns: list[Turn]) -> list[Said]:
    said = [
        Said("system", prompts.instructing(task_of(turns))),
        Said("user", prompts.BEGIN),
    ]
    for turn in turns:
        said += [
            Said("assistant", f"{prompts.INSTRUCTION} {turn.question}", "instruction"),
            Said("user", f"{prompts.SOLUTION} {turn.answer} {prompts.NEXT}"),
        ]
    return [*said, Said("assistant", prompts.TASK_DONE, "task_done")]


def _followed(turns: list[Turn], remembered: list[str]) -> list[Said]:
    said = [Said("system", prompts.solving(task_of(turns), remembered))]
    for turn in turns:
        said += [
            Said("user", f"{prompts.INSTRUCTION} {turn.question}"),
            Said("assistant", f"{prompts.SOLUTION} {turn.answer} {prompts.NEXT}", "solution"),
        ]
    return said
