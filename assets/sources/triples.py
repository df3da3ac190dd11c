"""`triples`: premise, question, answer, as in Koziev's NLP_Datasets.

    T: Я только продаю
    Q: ты только продаешь?
    A: да

The premise is what the asked one knows (`Я` in it is who answers), so it becomes the system
message; the question is the user's turn and the answer the assistant's.  Blocks are parted by
blank lines; a line without a letter goes on with the one above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from assets.sources.blocks import blocks, text_of
from assets.sources.reading import Head, Item, Line, Options, Source, excerpt_of, lines
from lake.schemas import Dialogue, Message, Unreadable

NAME = "triples"
_ROLES = {"T": "system", "Q": "user", "A": "assistant"}
_LETTER = re.compile(r"([TQA]):[ \t]*(.*)")
_START = re.compile(r"\s*(?:T:[^\n]*\n)*Q:[^\n]*\n+A:")


def recognises(head: Head) -> bool:
    """The first block is of lines `T:` (or none), `Q:` and `A:`."""
    return _START.match(head.text) is not None


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a block, positioned by its lines."""
    for block in blocks(lines(path)):
        yield _dialogue(block)


def _dialogue(block: list[Line]) -> Item:
    position, text = text_of(block)
    if isinstance(text, Unreadable):
        return text
    said: list[tuple[str, str]] = []
    for line in text.split("\n"):
        if found := _LETTER.fullmatch(line):
            said.append((_ROLES[found[1]], found[2]))
        elif said:
            said[-1] = (said[-1][0], f"{said[-1][1]}\n{line}")
        else:
            detail = "A block begins with `T:` or `Q:`."
            return Unreadable("bad_block", position, excerpt_of(text), detail)
    known = "\n".join(content for role, content in said if role == "system")
    turns = [Message(role, content) for role, content in said if role != "system"]
    premise = [Message("system", known)] if known else []
    if not turns:
        return Unreadable(
            "no_messages", position, excerpt_of(text), "Nobody asks and nobody answers."
        )
    return Dialogue((*premise, *turns), source=NAME, position=position)


SOURCE = Source(NAME, recognises, read)
