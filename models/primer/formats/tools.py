"""Tools: a call where one is needed and at hand, an answer from its result, and no call else."""

from __future__ import annotations

import json

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.registry import Said, dialogue_format, draw_skill, spoken

CALCULATOR, CLOCK = "calculator", "clock"
OPERATIONS = (("+", "плюс"), ("-", "минус"), ("*", "умножить на"))


def call(name: str, **arguments: str) -> str:
    """Return a tool call in the chat template's format."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>{body}</tool_call>"


def _calculation(draw: Draw, *, has_tool: bool) -> list[Said]:
    sign, word = draw.choice(OPERATIONS)
    b, a = sorted((draw.number(11, 99), draw.number(11, 99)))
    phrase = f"{a} {word} {b}"
    question = Said("user", draw.choice((f"Сколько будет {phrase}?", f"Вычисли: {phrase}.")))
    if not has_tool:
        return [question, Said("assistant", prompts.TOO_LARGE, "tool_absent")]
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    return [
        question,
        Said("assistant", call(CALCULATOR, expression=f"{a}{sign}{b}"), "tool_call"),
        Said("tool", str(result)),
        Said("assistant", f"{phrase} будет {result}.", "tool_answer"),
    ]


def _time(draw: Draw, *, has_tool: bool) -> list[Said]:
    question = Said("user", draw.choice(("Который час?", "Сколько времени?", "Скажи время.")))
    if not has_tool:
        return [question, Said("assistant", prompts.NO_CLOCK, "tool_absent")]
    now = f"{draw.number(0, 23):02d}:{draw.number(0, 59):02d}"
    return [
        question,
        Said("assistant", call(CLOCK), "tool_call"),
        Said("tool", now),
        Said("assistant", f"Сейчас {now}.", "tool_answer"),
    ]


@dialogue_format("tools", weight=1.8)
def tools(draw: Draw) -> list[Said]:
    """Ask for what a tool is needed for; one in six times a skill needs none of them."""
    said = [Said("system", prompts.tools((CALCULATOR, CLOCK)))]
    for _ in range(draw.number(1, 2)):
        if draw.chance(1 / 6):
            skill = draw_skill(draw)
            said += spoken(skill.turns(draw), skill.name)
        else:
            said += draw.choice((_calculation, _calculation, _time))(draw, has_tool=True)
    return said


@dialogue_format("no_tools", weight=1.2)
def no_tools(draw: Draw) -> list[Said]:
    """Ask for the same with no tool at hand: an honest refusal."""
    return draw.choice((_calculation, _time))(draw, has_tool=False)
