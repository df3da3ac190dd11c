"""Memories in the conversation that a model answers: what goes in, where, and how many.

The embedded base was schooled on a system message `Память: факт; факт.` with one to four facts.
Told held-out facts, it answers best with the best one alone (`tests/benchmarks/memory.py`): every
further fact is one more to take the wrong word from.  A model from elsewhere gets all that was
found, as a list in a system message of its own, after the system message that the client sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from models.memory import Message
from models.memory.phrases import written
from models.primer import prompts

SCHOOLED_FACTS = 1
MOST_CHARACTERS = 300
"""Of one memory: a turn that became none may be long."""
TITLES = {"fact": "", "summary": "из разговора: ", "reflection": "вывод: ", "turn": "сказано: "}


class Recollected(Protocol):
    """What a search over memories returns: its kind and its words."""

    @property
    def kind(self) -> str:
        """`fact`, `summary`, `reflection` or `turn`."""

    @property
    def text(self) -> str:
        """What is remembered."""


R = TypeVar("R", bound=Recollected)


def used(recalled: Sequence[R], *, schooled: bool, facts: int = SCHOOLED_FACTS) -> list[R]:
    """Return those of the recalled that go into the prompt, best first.

    `facts` is how many a schooled base gets.
    """
    if not schooled:
        return list(recalled)
    return [memory for memory in recalled if memory.kind == "fact"][:facts]


def with_memories(
    messages: Sequence[Mapping[str, str]],
    recalled: Sequence[R],
    *,
    schooled: bool,
    facts: int = SCHOOLED_FACTS,
) -> list[Message]:
    """Return a conversation with what is remembered in it; unchanged where nothing is.

    `schooled` says that the model is a base grown from the primer.  It has met its own system
    messages only, so what is remembered joins the last of those that lead the conversation.
    """
    said = [dict(message) for message in messages]
    chosen = used(recalled, schooled=schooled, facts=facts)
    if not chosen:
        return said
    lead = next((n for n, m in enumerate(said) if m["role"] != "system"), len(said))
    if not schooled:
        return [*said[:lead], _system(_listed(chosen)), *said[lead:]]
    memory = prompts.memory([_one_line(m.text).rstrip(".") for m in chosen])
    if lead:
        joined = _system(f"{said[lead - 1]['content']} {memory}".strip())
        return [*said[: lead - 1], joined, *said[lead:]]
    return [_system(memory), *said]


def _listed(memories: Sequence[Recollected]) -> str:
    lines = (f"- {TITLES.get(m.kind, '')}{_one_line(m.text)}" for m in memories)
    return written("recalled", "system", memories="\n".join(lines))


def _one_line(text: str) -> str:
    """Return a memory as one line: a line break in it could begin a line of its own."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"


def _system(content: str) -> Message:
    return {"role": "system", "content": content}
