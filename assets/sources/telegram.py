"""`telegram`: `result.json` of Telegram Desktop's export, of one chat or of the whole account.

    {"name": "Аня", "type": "personal_chat", "id": 7, "messages": [
      {"id": 1, "type": "message", "date_unixtime": "1673776200", "from": "Аня",
       "from_id": "user7", "text": ["Привет, ", {"type": "bold", "text": "ты где"}, "?"]}, ...]}

A chat never ends, so a dialogue is what lies between two silences of `telegram_gap_hours`.  Its
conversation id is `<chat>_<first message>`: when the chat goes on, the last dialogue grows under
its id, and the others stay.

Who speaks as the assistant, `telegram_assistant` says by name or id.  Where it is empty, the
owner is the user, as in every other source (what a user tells is remembered about the owner), and
in a chat of two the other one is the assistant; in a group everybody is a user.  Users of a group
are told apart by `Участник <their place among the participants>: `, without names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from assets.sources.reading import (
    MAX_RECORD_BYTES,
    Head,
    Item,
    Options,
    Source,
    json_lists,
)
from assets.sources.records import id_from, moment_from, moment_from_epoch, text_from
from assets.sources.telegram_messages import Said, said_in
from lake.schemas import Dialogue, Message, Unreadable

NAME = "telegram"
SETTING = "sources.telegram_assistant"
MAX_MESSAGES = 10_000  # of a chat that is never silent: a dialogue ends there
_CHAT = re.compile(
    r'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|replies|verify_codes'
    r'|(?:private|public)_(?:group|supergroup|channel))"'
)
_ACCOUNT = frozenset({"personal_information", "contacts", "sessions", "chats", "left_chats"})
_OF_TWO = ("personal_chat", "bot_chat")


def recognises(head: Head) -> bool:
    """A chat with its type, or an account: `about` and one of its parts."""
    is_chat = {"type", "messages"} <= head.keys and _CHAT.search(head.text) is not None
    return is_chat or ("about" in head.keys and bool(_ACCOUNT & head.keys))


def read(path: Path, options: Options) -> Iterator[Item]:
    """Yield a dialogue a stretch of talk, chat after chat; memory is that of one stretch."""
    chat = None
    for position, record, is_header in json_lists(path, "messages"):
        if is_header:
            yield from chat.end() if chat else ()
            chat = _Chat({} if isinstance(record, Unreadable) else record, position, options)
        if isinstance(record, Unreadable):
            yield record
        elif chat and not is_header:
            yield from chat.take(record, position)
    yield from chat.end() if chat else ()


@dataclass(slots=True)
class _Stretch:
    """What was said since the last silence."""

    said: list[Said] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    size: int = 0
    first: str = ""  # the position of its first message
    last: str = ""


class _Chat:
    """A chat while its messages are coming."""

    def __init__(self, header: Mapping[str, Any], position: str, options: Options) -> None:
        self.name, self.kind = text_from(header, "name"), text_from(header, "type")
        self.chat_id = id_from(header, "id")
        self.position = position
        self.assistant = options.telegram_assistant
        self.gap = timedelta(hours=options.telegram_gap_hours)
        self.stretch = _Stretch()
        self.ended = False
        self.last: datetime | None = None

    def take(self, record: Mapping[str, Any], position: str) -> Iterator[Item]:
        """Take a message; yield the dialogue that ended before it, if one did."""
        if record.get("type") == "service":
            action = text_from(record, "action") or "of an unknown kind"
            self.stretch.notes.append(f"service message {id_from(record, 'id')}: {action}")
            return
        when = moment_from_epoch(record.get("date_unixtime")) or moment_from(record.get("date"))
        if self._is_over(when):
            yield from self._dialogue()
        said = said_in(record, when)
        if said is None:
            self.stretch.left_out += 1
            return
        self.last = when or self.last
        self.stretch.said.append(said)
        self.stretch.size += len(said.text)
        self.stretch.first = self.stretch.first or position
        self.stretch.last = position

    def end(self) -> Iterator[Item]:
        """Yield the last dialogue; of a chat in which nobody spoke, that."""
        if self.stretch.said:
            yield from self._dialogue()
        elif not self.ended:
            detail = "Nobody speaks in this chat."
            yield Unreadable("no_messages", self.position, self.name[:200], detail)

    def _is_over(self, when: datetime | None) -> bool:
        if not self.stretch.said:
            return False
        silent = bool(when and self.last and when - self.last > self.gap)
        size = len(self.stretch.said) >= MAX_MESSAGES or self.stretch.size >= MAX_RECORD_BYTES
        return silent or size

    def _dialogue(self) -> Iterator[Item]:
        stretch, self.stretch, self.ended = self.stretch, _Stretch(), True
        people = list(dict.fromkeys((said.person_id, said.person) for said in stretch.said))
        first, last = stretch.first, stretch.last.rpartition(" ")[2]
        yield Dialogue(
            messages=tuple(self._message(said, people) for said in stretch.said),
            source=NAME,
            conversation_id=f"{self.chat_id or self.name}_{stretch.said[0].message_id}",
            title="" if self.kind in _OF_TWO else self.name,  # a person's name is no title
            position=f"{first}-{last}".replace(", item ", ", items "),
            annotations=tuple(stretch.notes),
            participants=tuple(dict.fromkeys(name or person for person, name in people)),
            attachments=tuple(file for said in stretch.said for file in said.files),
            remarks=tuple(self._remarks(stretch)),
        )

    def _message(self, said: Said, people: list[tuple[str, str]]) -> Message:
        is_assistant = self._is_assistant(said)
        text = said.text
        if not is_assistant and self.kind not in (*_OF_TWO, "saved_messages"):
            text = f"Участник {people.index((said.person_id, said.person)) + 1}: {text}"
        role = "assistant" if is_assistant else "user"
        return Message(role, text, said.when, said.message_id)

    def _is_assistant(self, said: Said) -> bool:
        if self.assistant:
            names = (said.person, said.person_id, said.person_id.removeprefix("user"))
            return self.assistant in names
        if self.kind not in _OF_TWO:
            return False
        return said.person_id == f"user{self.chat_id}" if self.chat_id else said.person == self.name

    def _remarks(self, stretch: _Stretch) -> Iterator[str]:
        if not self.assistant:
            of_two = self.kind in _OF_TWO
            who = "the other one speaks as the assistant" if of_two else "everybody is a user"
            yield f"`{SETTING}` is empty: {who}."
        if any(said.is_local for said in stretch.said):
            yield "Times are those of the exporting machine, of an unknown zone."
        for word, numbers in (
            ("Answers", [f"{s.message_id} to {s.answers}" for s in stretch.said if s.answers]),
            ("Edited", [s.message_id for s in stretch.said if s.is_edited]),
            ("Forwarded", [s.message_id for s in stretch.said if s.is_forwarded]),
        ):
            if numbers:
                yield f"{word}: {', '.join(numbers)}."
        if stretch.left_out:
            yield f"Left out: {stretch.left_out} messages without content."


SOURCE = Source(NAME, recognises, read)
