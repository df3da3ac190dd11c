"""Tools: a call where one is needed and at hand, and an answer from its result."""

from __future__ import annotations

import json

from models.primer import prompts
from models.primer.draw import Draw
from models.primer.registry import Said, dialogue_format, draw_skill, spoken
from models.primer.skills import out_of_reach

CALCULATOR, CLOCK = "calculator", "clock"


def call(name: str, **arguments: str) -> str:
    """Return a tool call in the chat template's format."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>{body}</tool_call>"


def _calculation(draw: Draw) -> list[Said]:
    large = out_of_reach.calculation(draw)
    return [
        Said("user", large.question),
        Said("assistant", call(CALCULATOR, expression=large.expression), "tool_call"),
        Said("tool", str(large.result)),
        Said("assistant", f"{large.phrase} будет {large.result}.", "tool_answer"),
    ]


def _time(draw: Draw) -> list[Said]:
    now = f"{draw.number(0, 23):02d}:{draw.number(0, 59):02d}"
    return [
        Said("user", draw.choice(out_of_reach.TIME)),
        Said("assistant", call(CLOCK), "tool_call"),
        Said("tool", now),
        Said("assistant", f"Сейчас {now}.", "tool_answer"),
    ]


@dialogue_format("tools", weight=2.2)
def tools(draw: Draw) -> list[Said]:
    """Ask for what a tool is needed for; one in six times a skill needs none of them."""
    said = [Said("system", prompts.tools((CALCULATOR, CLOCK)))]
    for _ in range(draw.number(1, 2)):
        skill = draw_skill(draw)
        if draw.chance(1 / 6) and skill.name != out_of_reach.NAME:
            said += spoken(skill.turns(draw), skill.name)
        else:
            said += draw.choice((_calculation, _calculation, _time))(draw)
    return said
