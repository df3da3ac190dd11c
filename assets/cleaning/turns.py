"""Rules on the order of speakers: who may speak when, who is joined, who is left out.

After them a dialogue is `[system] (user assistant)+`, where an assistant may have called tools:
`assistant tool+ assistant`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from lake.schemas import Message

JOINT = "\n\n"  # between what one speaker said in several messages


@dataclass(frozen=True, slots=True)
class Removed:
    """A message left out: its place in the source's dialogue, and the rule that spoke."""

    position: int
    message: Message
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A message and the places it was joined from."""

    message: Message
    parts: tuple[tuple[int, Message], ...]


def in_turn(messages: Iterable[Message]) -> tuple[list[Turn], list[Removed]]:
    """Return the turns in alternation, and the messages that had no place among them."""
    kept: list[Turn] = []
    removed: list[Removed] = []
    for position, message in enumerate(messages):
        if verdict := _misplaced(message, kept):
            removed.append(Removed(position, message, *verdict))
        elif kept and kept[-1].message.role == message.role != "tool":
            kept[-1] = _joined(kept[-1], position, message)
        else:
            kept.append(Turn(message, ((position, message),)))
    removed += _cut_end(kept)
    return kept, sorted(removed, key=lambda r: r.position)


def _misplaced(message: Message, kept: list[Turn]) -> tuple[str, str] | None:
    """Return the rule and reason that leave a message out, given those before it."""
    before = kept[-1].message.role if kept else ""
    if not message.content:
        return "content", "empty"
    if message.role == "system" and before not in ("", "system"):
        return "system_first", "late_system"
    if message.role == "tool" and before not in ("assistant", "tool"):
        return "tool_after_call", "stray_tool"
    if message.role == "assistant" and before in ("", "system"):
        return "user_first", "leading_assistant"
    return None


def _joined(turn: Turn, position: int, message: Message) -> Turn:
    text = turn.message.content + JOINT + message.content
    return Turn(replace(turn.message, content=text), (*turn.parts, (position, message)))


def _cut_end(kept: list[Turn]) -> list[Removed]:
    """Take off, in place, what follows the last answer."""
    removed: list[Removed] = []
    while kept and kept[-1].message.role != "assistant":
        turn = kept.pop()
        rule = ("answered", "no_answer")
        removed += [Removed(position, message, *rule) for position, message in turn.parts]
    return removed
