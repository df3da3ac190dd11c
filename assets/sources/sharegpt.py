"""`sharegpt`: what the ShareGPT extension exported and FastChat trains on.

    [{"id": "...", "conversations": [{"from": "human", "value": "..."}, ...]}, ...]

Values may hold HTML; they are kept as they are.

FastChat splits long dialogues, by tokens, and loses the last pair when it does
(`split_long_conversation.py`).  With `sharegpt_max_characters` we split by characters and lose
none: each part is a dialogue `<id>_<its first message>`, as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import Keys, dialogue_from
from lake.schemas import Dialogue, Message, Unreadable

NAME = "sharegpt"
KEYS = Keys("conversations", "from", "value")


def recognises(head: Head) -> bool:
    """JSON with the unescaped key `conversations`."""
    opens = head.text.lstrip().startswith(("{", "["))
    return opens and re.search(r'(?<!\\)"conversations"\s*:', head.text) is not None


def read(path: Path, options: Options) -> Iterator[Item]:
    """Yield a dialogue an item, or each of its parts."""
    limit = options.sharegpt_max_characters
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield record
            continue
        item = dialogue_from(record, KEYS, source=NAME, position=position)
        if limit and isinstance(item, Dialogue):
            yield from split(item, limit)
        else:
            yield item


def split(dialogue: Dialogue, limit: int) -> Iterator[Dialogue]:
    """Yield a dialogue's parts of at most `limit` characters, cut before a user's message.

    What a user says and what follows it stay together, and a system message at the start stands
    before every part; a pair longer than the limit is a part of its own, with a remark.  A short
    dialogue is one part, `<id>_0`, so that its id stays when it grows past the limit.
    """
    system = dialogue.messages[:1] if dialogue.messages[0].role == "system" else ()
    start, parts = len(system), [list[Message]()]
    for pair in _pairs(dialogue.messages[len(system) :]):
        if parts[-1] and _characters([*system, *parts[-1], *pair]) > limit:
            parts.append([])
        parts[-1] += pair
    for part in parts:
        said = (*system, *part)
        over = f"A pair is longer than {limit} characters."
        yield replace(
            dialogue,
            messages=said,
            conversation_id=f"{dialogue.conversation_id}_{start}"
            if dialogue.conversation_id
            else "",
            remarks=(*dialogue.remarks, over) if _characters(said) > limit else dialogue.remarks,
        )
        start += len(part)


def _pairs(messages: Sequence[Message]) -> Iterator[list[Message]]:
    pair: list[Message] = []
    for message in messages:
        if pair and message.role == "user":
            yield pair
            pair = []
        pair.append(message)
    if pair:
        yield pair


def _characters(messages: Iterable[Message]) -> int:
    return sum(len(message.content) for message in messages)


SOURCE = Source(NAME, recognises, read)
