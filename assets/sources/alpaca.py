"""`alpaca`: an instruction and its answer, as in Alpaca, rulm's sets and self-instruct's seeds.

    {"instruction": "...", "input": "...", "output": "..."}
    {"instruction": "...", "instances": [{"input": "...", "output": "..."}]}

The user's turn is the instruction, and after a blank line the input.  Of several answers the first
of `ANSWERS` counts, as in rulm's `create_chat_set.py`.  Their ids (`seed_task_0`, `1`) count within
one file only, so dialogues have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import objects_from, text_from, unreadable
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

NAME = "alpaca"
ANSWERS = ("full_output", "alternative_output", "output", "answer")
_NO_INPUT = "<noinput>"  # Alpaca's and self-instruct's word for none


def recognises(head: Head) -> bool:
    """Records with the keys `instruction` and one of the answers, or `instances`."""
    return "instruction" in head.keys and bool(head.keys & {*ANSWERS, "instances"})


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue an answer."""
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield record
            continue
        instances = objects_from(record.get("instances"))
        for number, instance in enumerate(instances, 1):
            yield _dialogue({**record, **instance}, f"{position}, instance {number}")
        if not instances:
            yield _dialogue(record, position)


def asked(record: Mapping[str, Any]) -> Message:
    """Return the user's turn; `SourceFormatError` where there is no instruction."""
    instruction, given = text_from(record, "instruction"), text_from(record, "input")
    if not instruction:
        raise SourceFormatError("bad_content", "The record has no `instruction`.")
    wanted = given.strip() and given.strip() != _NO_INPUT
    return Message("user", f"{instruction}\n\n{given}" if wanted else instruction)


def _dialogue(record: Mapping[str, Any], position: str) -> Item:
    found = {name: text for name in ANSWERS if (text := text_from(record, name))}
    try:
        question = asked(record)
        if not found:
            raise SourceFormatError("bad_content", f"None of these is an answer: {ANSWERS}.")
    except SourceFormatError as error:
        return unreadable(error, record, position)
    answer, *others = found.items()
    aside = ", ".join(name for name, text in others if text != answer[1])
    return Dialogue(
        (question, Message("assistant", answer[1])),
        source=NAME,
        position=position,
        remarks=(f"Other answers of the record are left out: {aside}.",) if aside else (),
    )


SOURCE = Source(NAME, recognises, read)
