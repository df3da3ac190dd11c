"""What several memories say together: insights over what stands, each with its evidence.

Generative Agents (Park et al. 2023, arXiv 2304.03442, §4.2) reflect whenever the importance of
what happened since sums up to 150.  Here the memories of a person, in the order they were told in,
are cut into windows of that sum: the same lake gives the same windows, and a full window is
reflected on once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.backends import ChatModel, Generation
from models.memory import Remembered
from models.memory.extraction import as_fact
from models.memory.phrases import NOTHING, Phrases
from models.memory.summary import why_unsound

THRESHOLD = 150
MOST_INSIGHTS = 3
MAX_NEW_TOKENS = 256
LINE = re.compile(r"^\W*(?P<of>\d+(?:\s*,\s*\d+)*)\W*\|\s*(?P<text>.+)$")


@dataclass(frozen=True, slots=True)
class Insight:
    """What some memories say together; `evidence` are their texts, `at` when the last was told."""

    text: str
    evidence: tuple[str, ...]
    at: datetime


def windows(memories: Sequence[Remembered], threshold: int) -> list[tuple[Remembered, ...]]:
    """Return what stands, oldest first, cut where its importance sums up to the threshold.

    What has not summed up yet is left out; a threshold of 0 cuts nothing.
    """
    found: list[tuple[Remembered, ...]] = []
    window: list[Remembered] = []
    for memory in memories if threshold else ():
        if memory.replaced_by:
            continue
        window.append(memory)
        if sum(m.importance for m in window) >= threshold:
            found.append(tuple(window))
            window = []
    return found


def reflect(
    window: Sequence[Remembered], model: ChatModel, phrases: Phrases
) -> tuple[list[Insight], str]:
    """Return the insights over a window, at most three, or none and why."""
    facts = [memory.text for memory in window]
    (answer,) = model.generate([phrases.reflection(facts)], max_new_tokens=MAX_NEW_TOKENS)
    if answer.text.strip().lower().startswith(NOTHING):
        return [], "nothing_told"
    found, reason = [], ""
    for text, evidence in _lines(answer.text, facts):
        unsound = why_unsound(Generation(text, answer.finish, answer.tokens), " ".join(evidence))
        if unsound or as_fact(text) in facts:
            reason = reason or unsound or "repeats"
            continue
        found.append(Insight(as_fact(text), tuple(evidence), window[-1].told_at))
    return found[:MOST_INSIGHTS], "" if found else reason or "empty"


def _lines(answer: str, facts: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return each insight with its evidence; one without numbers rests on the whole window."""
    numbered = [m for line in answer.splitlines() if (m := LINE.match(line.strip()))]
    if not numbered:
        return [(answer.strip(), list(facts))] if answer.strip() else []
    cited = [[int(n) for n in re.findall(r"\d+", m["of"])] for m in numbered]
    return [
        (match["text"].strip(), [facts[n - 1] for n in numbers if 1 <= n <= len(facts)])
        for match, numbers in zip(numbered, cited, strict=True)
    ]
