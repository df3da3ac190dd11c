"""Skills and formats by name: what a primer dialogue may be made of, and how often.

A *skill* knows one thing and yields question-answer turns; a *format* builds a whole dialogue,
often out of skills.  Each registers itself by name with the weight of its share of dialogues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.primer.draw import Draw


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer; `determined` when no other answer would be right."""

    question: str
    answer: str
    determined: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """One message.  An assistant's message with `scored_as` counts under that name in reports."""

    role: str
    content: str
    scored_as: str = ""


SkillFunction = Callable[[Draw], list[Turn]]
FormatFunction = Callable[[Draw], list[Said]]


@dataclass(frozen=True, slots=True)
class Skill:
    """A registered skill; `weight` is its share among skills."""

    name: str
    weight: float
    turns: SkillFunction


@dataclass(frozen=True, slots=True)
class Format:
    """A registered format; `weight` is its share among dialogues."""

    name: str
    weight: float
    build: FormatFunction


SKILLS: dict[str, Skill] = {}
FORMATS: dict[str, Format] = {}


def skill(name: str, *, weight: float) -> Callable[[SkillFunction], SkillFunction]:
    """Register the decorated function as the skill `name`."""

    def register(function: SkillFunction) -> SkillFunction:
        SKILLS[name] = Skill(name, weight, function)
        return function

    return register


def dialogue_format(name: str, *, weight: float) -> Callable[[FormatFunction], FormatFunction]:
    """Register the decorated function as the format `name`."""

    def register(function: FormatFunction) -> FormatFunction:
        FORMATS[name] = Format(name, weight, function)
        return function

    return register


def draw_skill(draw: Draw) -> Skill:
    """Return a skill by weight."""
    skills = list(SKILLS.values())
    return draw.weighted(skills, [s.weight for s in skills])


def draw_format(draw: Draw) -> Format:
    """Return a format by weight."""
    formats = list(FORMATS.values())
    return draw.weighted(formats, [f.weight for f in formats])


def spoken(turns: list[Turn], scored_as: str) -> list[Said]:
    """Return the turns as user and assistant messages."""
    said = []
    for turn in turns:
        label = scored_as if turn.determined else ""
        said += [Said("user", turn.question), Said("assistant", turn.answer, label)]
    return said
