"""`plain_text`: lines that begin with a dash, a block of them a dialogue.

    - Как водичка?
    - Тёплая.

Blocks are parted by blank lines.  User and assistant take turns, the user first.  A line
without a dash goes on with the message above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from assets.sources.blocks import blocks, text_of
from assets.sources.reading import Head, Item, Line, Options, Source, excerpt_of, lines
from lake.schemas import Dialogue, Message, Unreadable

NAME = "plain_text"
ROLES = ("user", "assistant")
_DASH = re.compile(r"[-–—] ?(?![-–—])")  # "---" is a rule, not a line of speech


def recognises(head: Head) -> bool:
    """The first line with anything on it begins with a dash, and so do half of all."""
    shown = [line for line in head.text.splitlines() if line.strip()]
    dashes = sum(1 for line in shown if _DASH.match(line))
    return bool(shown) and _DASH.match(shown[0]) is not None and dashes * 2 >= len(shown)


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a block, positioned by its lines."""
    for block in blocks(lines(path)):
        yield _dialogue(block)


def render(dialogues: Iterable[Dialogue]) -> str:
    """Return the text of dialogues that take turns from the user on, no blank line inside."""
    blocks = ("\n".join(f"- {m.content}" for m in d.messages) for d in dialogues)
    return "\n\n".join(blocks) + "\n"


def _dialogue(block: list[Line]) -> Item:
    position, text = text_of(block)
    if isinstance(text, Unreadable):
        return text
    contents: list[str] = []
    for line in text.split("\n"):
        if dash := _DASH.match(line):
            contents.append(line[dash.end() :])
        elif contents:
            contents[-1] += "\n" + line
        else:
            detail = "The block does not begin with a dash."
            return Unreadable("no_dash", position, excerpt_of(text), detail)
    turns = tuple(Message(ROLES[n % 2], content) for n, content in enumerate(contents))
    return Dialogue(turns, source=NAME, position=position)


SOURCE = Source(NAME, recognises, read)
