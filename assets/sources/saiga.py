"""`saiga`: the chat sets of Saiga and rulm (https://github.com/IlyaGusev/rulm).

    {"messages": [{"role": "user", "content": "..."}, {"role": "bot", "content": "..."}]}
    {"messages": {"role": ["user", "bot"], "content": ["...", "..."]}}        ru_turbo_saiga
    {"name": "Рокси", "context": "...", "greeting": "...", "example_dialogue": [...],
     "dialogues": [{"topic": "...", "chat": [{"role": "operator", ...}, {"role": "char", ...}]}]}

A character's card becomes the system message, `Ты <name>. <context>`, as in rulm's
`create_chat_set.py`; where the card has no dialogues, its example is one.  The greeting, which
nobody may have been greeted with, is an annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import (
    Keys,
    dialogue_from,
    messages_from,
    objects_from,
    text_from,
    unreadable,
)
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

NAME = "saiga"
KEYS = Keys("messages", "role", "content")
# In a role-play the character answers and an operator, the model's other half, asks.
_PLAYERS = {"char": "assistant", "operator": "user"}
_OWN_FORM = re.compile(r'(?<!\\)"(?:role"\s*:\s*"bot"|messages"\s*:\s*\{)')
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def recognises(head: Head) -> bool:
    """Messages of a `bot` or in columns, or a card with its dialogues or an example."""
    is_card = {"name", "context"} <= head.keys
    is_chat = "messages" in head.keys and _OWN_FORM.search(head.text) is not None
    return is_chat or (is_card and bool(head.keys & {"dialogues", "example_dialogue"}))


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield a dialogue a record; of a card, each of its dialogues."""
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield record
        elif "context" in record:
            yield from _played(record, position)
        else:
            rows = {**record, "messages": _rows(record.get("messages"))}
            yield dialogue_from(rows, KEYS, source=NAME, position=position)


def _rows(messages: object) -> object:
    """Return columns as rows, and anything else as it is; a shorter column is no message's."""
    if not isinstance(messages, dict):
        return messages
    columns = {name: column for name, column in messages.items() if isinstance(column, list)}
    length = max(map(len, columns.values()), default=0)
    return [
        {name: column[row] for name, column in columns.items() if row < len(column)}
        for row in range(length)
    ]


def _played(card: Mapping[str, Any], position: str) -> Iterator[Item]:
    dialogues = objects_from(card.get("dialogues"))
    for number, dialogue in enumerate(dialogues, 1):
        title = text_from(dialogue, "topic")
        yield _play(card, dialogue.get("chat"), title, f"{position}, dialogue {number}")
    if not dialogues:
        yield _play(card, card.get("example_dialogue"), text_from(card, "name"), position)


def _play(card: Mapping[str, Any], chat: object, title: str, position: str) -> Item:
    listed = [
        {**turn, "role": _PLAYERS.get(text_from(turn, "role"), turn.get("role"))}
        for turn in objects_from(chat)
    ]
    try:
        said = messages_from(listed, KEYS)
    except SourceFormatError as error:
        return unreadable(error, card, position)
    greeting = text_from(card, "greeting")
    return Dialogue(
        (Message("system", _persona(card)), *said),
        source=NAME,
        title=title,
        position=position,
        annotations=(f"greeting: {greeting}",) if greeting else (),
    )


def _persona(card: Mapping[str, Any]) -> str:
    name, context = text_from(card, "name"), text_from(card, "context")
    return f"{'Ты' if _CYRILLIC.search(context) else 'You are'} {name}. {context}"


SOURCE = Source(NAME, recognises, read)
