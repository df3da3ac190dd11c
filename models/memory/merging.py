"""One memory of many tellings, and the newer one where two contradict.

Tellings are the same memory where their words are the same in other forms or another order, or
where they claim the same of the same (`твой зонт красный`, `у тебя красный зонт`): that is an
equivalence, so the result does not depend on the order in which days are read.  Two memories
contradict where they claim different values (`models.memory.claims`): the one told last stands,
each earlier one is replaced by the next, and keeps its sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from models.memory import Observation, Remembered
from models.memory.claims import Claim, claims
from models.memory.readings import lemmas


def merge(observations: Iterable[Observation]) -> list[Remembered]:
    """Return the memories of one person's facts, oldest first; the same for any order of them."""
    ordered = sorted(observations, key=_when)
    memories = [_one(tellings) for tellings in _same(ordered)]
    return _settled(sorted(memories, key=lambda m: (m.told_at, m.sources, m.text)))


def _when(observation: Observation) -> tuple[object, ...]:
    return observation.told_at, _places(observation.sources), observation.text


def _places(sources: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return sources in the order they were said in: a position is a number."""
    parts = (source.rpartition("/") for source in sources)
    return tuple((dialogue, int(at) if at.isdigit() else 0) for dialogue, _, at in parts)


def _same(observations: Sequence[Observation]) -> list[list[Observation]]:
    """Return the tellings of each memory together: whoever shares a key belongs together."""
    home: dict[object, int] = {}
    groups: dict[int, list[Observation]] = {}
    for number, observation in enumerate(observations):
        keys = _keys(observation.text)
        joined = sorted({home[key] for key in keys if key in home})
        target = joined[0] if joined else number
        members = groups.setdefault(target, [])
        for other in joined[1:]:
            members += groups.pop(other)
            home.update({key: target for key, group in home.items() if group == other})
        members.append(observation)
        home.update(dict.fromkeys(keys, target))
    return list(groups.values())


def _keys(text: str) -> list[object]:
    said = lemmas(text)
    words: object = ("words", frozenset(said)) if said else ("text", text)
    return [words, *(claim for claim in claims(text) if claim.key[0] != "so")]


def _one(tellings: list[Observation]) -> Remembered:
    """Return the memory of some tellings, in the words of the first."""
    ordered = sorted(tellings, key=_when)
    sources = dict.fromkeys(source for telling in ordered for source in telling.sources)
    return Remembered(
        text=ordered[0].text,
        importance=max(telling.importance for telling in ordered),
        told_at=ordered[0].told_at,
        last_told_at=ordered[-1].told_at,
        sources=tuple(sources),
        texts=tuple(dict.fromkeys(telling.text for telling in ordered)),
    )


def _settled(memories: list[Remembered]) -> list[Remembered]:
    """Return the memories with those that a newer one contradicts replaced by it."""
    by_key: dict[tuple[str, ...], dict[int, Claim]] = defaultdict(dict)
    for number, memory in enumerate(memories):
        for claim in claims(memory.text):
            by_key[claim.key].setdefault(number, claim)
    newer: dict[int, int] = {}
    for said in by_key.values():
        order = sorted(said, key=lambda n: _last_told(memories[n]))
        for older, next_one in pairwise(order):
            if said[older].value != said[next_one].value:
                first = newer.get(older, next_one)
                newer[older] = min(first, next_one, key=lambda n: _last_told(memories[n]))
    return [
        replace(m, replaced_by=memories[newer[n]].text, replaced_at=memories[newer[n]].last_told_at)
        if n in newer
        else m
        for n, m in enumerate(memories)
    ]


def _last_told(memory: Remembered) -> tuple[object, ...]:
    return memory.last_told_at, _places(memory.sources[-1:]), memory.text
