"""The facts of dialogues as a model from elsewhere reads them: asked in sentences, checked by rule.

Only the person's own turns are shown, so neither an answer, a system message nor a recalled
memory can come back as a fact.  What the model writes is taken only where the turn that it names
carries it, word for word in any form: models translate, guess and invent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from models.backends import ChatModel
from models.memory import Observation
from models.memory.extraction import Told, Turn, as_fact, by_rules, grounded
from models.memory.importance import clamped
from models.memory.phrases import NOTHING, WrittenPhrases
from models.memory.statements import is_question, why_not

LINE = re.compile(r"^\W*(?P<at>\d+)\W*\|\s*(?P<rating>\d+(?:[.,]\d+)?)\s*\|\s*(?P<fact>.+)$")
NEVER_SHOWN = frozenset(("system", "tool", "secret"))
MAX_NEW_TOKENS = 512


def by_model(dialogues: Sequence[Told], model: ChatModel) -> list[list[Turn]]:
    """Return every turn of each dialogue with the facts that a model read and rules let through."""
    ruled = [by_rules(told) for told in dialogues]
    shown = [_shown(told, turns) for told, turns in zip(dialogues, ruled, strict=True)]
    asked = [n for n, turns in enumerate(shown) if turns]
    requests = [WrittenPhrases().extraction(shown[n]) for n in asked]
    said = model.generate(requests, max_new_tokens=MAX_NEW_TOKENS) if requests else []
    texts = dict(zip(asked, (answer.text for answer in said), strict=True))
    return [
        _taken(told, turns, texts.get(n, ""))
        for n, (told, turns) in enumerate(zip(dialogues, ruled, strict=True))
    ]


def _shown(told: Told, turns: Sequence[Turn]) -> list[tuple[int, str, str]]:
    """Return the person's turns that may be shown, each with the question that it answers."""
    return [
        (turn.position, told.text(turn.position), _asked(told, turn.position))
        for turn in turns
        if turn.role == "user" and turn.reason not in NEVER_SHOWN
    ]


def _asked(told: Told, position: int) -> str:
    before = told.text(position - 1) if told.role(position - 1) == "assistant" else ""
    return before if is_question(before) else ""


def _taken(told: Told, turns: Sequence[Turn], answer: str) -> list[Turn]:
    """Return the turns with what of an answer they carry; answers stay as rules read them."""
    found: dict[int, list[Observation]] = {}
    refused: dict[int, str] = {}
    for line in answer.splitlines():
        match = LINE.match(line.strip())
        if match is None or line.strip().lower().startswith(NOTHING):
            continue
        position, fact = int(match["at"]), as_fact(match["fact"])
        if reason := _why_not(told, position, fact):
            refused[position] = reason
            continue
        rating = clamped(float(match["rating"].replace(",", ".")))
        found.setdefault(position, []).append(told.observation(position, fact, rating))
    return [_with(turn, found.get(turn.position, ()), refused) for turn in turns]


def _why_not(told: Told, position: int, fact: str) -> str:
    if told.role(position) != "user":
        return "no_turn"
    if reason := why_not(fact, acknowledged=True):
        return reason
    words = f"{told.text(position)} {_asked(told, position)}"
    return "" if grounded(fact, words) else "ungrounded"


def _with(turn: Turn, facts: Sequence[Observation], refused: dict[int, str]) -> Turn:
    if turn.role != "user":
        return turn
    if facts:
        return replace(turn, facts=tuple(facts), reason="")
    reason = turn.reason or refused.get(turn.position, "nothing_told")
    return replace(turn, facts=(), reason=reason)
