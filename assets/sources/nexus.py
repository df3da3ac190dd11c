"""`nexus`: notes that the Nexus AI Chat Importer writes into an Obsidian vault, 1.2 and later.

    >[!nexus_user] **User** - 04.06.2025 at 13:59
    > a line of the message
    <!-- UID: eb6f75e6-... -->

A note is one dialogue.  What stands outside the callouts was written into the vault by the
person or by another plugin: it is the dialogue's annotation, never a turn.  Attachments and
other callouts inside a message stay in its text, named in brackets.

Times are the writer's wall clock, without a zone; they are kept as if they were UTC.  The day
comes first in dotted dates; for slashed ones `Options.nexus_dates` says whether it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from assets.sources.reading import (
    MAX_RECORD_BYTES,
    MAX_RECORD_LINES,
    DateOrder,
    Head,
    Item,
    Options,
    Source,
    decoded,
    excerpt_of,
    lines,
    too_large,
)
from lake.schemas import Dialogue, Message, Unreadable

NAME = "nexus"
ROLES = {"user": "user", "agent": "assistant"}
_CALLOUT = re.compile(r">[ \t]?\[!nexus_(user|agent)\][+-]?[ \t]*(.*)")
_NESTED = re.compile(r">[ \t]*\[!nexus_(\w+)\][+-]?[ \t]*")
_UID = re.compile(r"<!-- UID: (.*?) -->\s*")
_FIELD = re.compile(r"(\w+):[ \t]*(.*)")
_OWN_HEADER = re.compile(r"(# Title:|Created:|Last Updated:|Chat URL:)[ \t]*(.*)")
_RULE = re.compile(r"\s*(-{3,})?\s*")
_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp])?\.?[Mm]?")


def recognises(head: Head) -> bool:
    """A callout of the importer, or the line `nexus:` in the note's front matter."""
    matter = head.text.startswith("---") and re.search(r"^nexus:", head.text, re.MULTILINE)
    return bool(matter) or re.search(_CALLOUT.pattern, head.text) is not None


def read(path: Path, options: Options) -> Iterator[Item]:
    """Yield the note's one dialogue."""
    raw: list[bytes] = []
    size = 0
    for line in lines(path):
        size += len(line.raw) + 1
        if size > MAX_RECORD_BYTES or line.number > MAX_RECORD_LINES or not line.whole:
            yield too_large("note", raw[0] if raw else line.raw)
            return
        raw.append(line.raw)
    text = decoded(b"\n".join(raw), "note")
    yield text if isinstance(text, Unreadable) else parse(text, options.nexus_dates)


def parse(text: str, dates: DateOrder = "dmy") -> Item:
    """Return the dialogue of a note's text."""
    note = _Note(dates)
    body = note.front_matter(text.split("\n"))
    for line in body:
        note.take(line)
    if not note.messages:
        detail = "No callouts: a note of the importer before 1.2, or an empty one; export it again."
        return Unreadable("no_messages", "note", excerpt_of(text), detail)
    note.end_annotation()
    return Dialogue(
        messages=tuple(draft.message() for draft in note.messages),
        source=NAME,
        conversation_id=note.fields.get("conversation_id", ""),
        title=note.fields.get("aliases") or note.fields.get("title", ""),
        position=f"lines 1-{text.count(chr(10)) + 1}",
        annotations=tuple(note.annotations),
    )


def render(dialogue: Dialogue) -> str:
    """Return a note as version 1.3 writes it; annotations follow the first message."""
    head = "---\nnexus: nexus-ai-chat-importer\n"
    head += f"aliases: {dialogue.title}\nconversation_id: {dialogue.conversation_id}\n---\n\n"
    parts = [_rendered(message) for message in dialogue.messages]
    parts[1:1] = [f"{annotation}\n" for annotation in dialogue.annotations]
    return head + "\n".join(parts) + "\n---\n"


def moment(text: str, dates: DateOrder) -> datetime | None:
    """Return the time written in a callout's head, None where there is none or it is impossible."""
    date, clock = _DATE.search(text), _TIME.search(text)
    if not date:
        return None
    first, mark, second, third = date.groups()
    if len(first) == 4:
        year, month, day = int(first), int(second), int(third)
    else:
        day_first = mark == "." or dates == "dmy"
        day, month = (int(first), int(second)) if day_first else (int(second), int(first))
        year = int(third) + (2000 if len(third) == 2 else 0)
    try:
        return datetime(year, month, day, *_clock(clock), tzinfo=UTC)
    except ValueError:
        return None


def _clock(found: re.Match[str] | None) -> tuple[int, int, int]:
    if found is None:
        return 0, 0, 0
    hour, minute, second, half = found.groups()
    hours = int(hour) % 12 + 12 * (half in "Pp") if half else int(hour)
    return hours, int(minute), int(second or 0)


def _rendered(message: Message) -> str:
    name, word = ("User", "user") if message.role == "user" else ("Assistant", "agent")
    when = f" - {message.created_at:%d.%m.%Y at %H:%M:%S}" if message.created_at else ""
    body = [_quoted(line) for line in message.content.split("\n")]
    uid = [f"<!-- UID: {message.message_id} -->"] if message.message_id else []
    return "\n".join([f">[!nexus_{word}] **{name}**{when}", *body, *uid, ""])


def _quoted(line: str) -> str:
    if not line:
        return ">"
    return f">{line}" if line.startswith(">") else f"> {line}"


def _unquoted(line: str) -> str:
    """Undo the quoting of 1.2 (`> > text`) and of 1.3 (`>> text`) alike."""
    rest = line[1:].removeprefix(" ")
    return _NESTED.sub(r"[\1] ", rest, count=1) if rest.startswith(">") else rest


@dataclass(slots=True)
class _Draft:
    """A message while its lines are coming."""

    role: str
    created_at: datetime | None
    lines: list[str] = field(default_factory=list)
    message_id: str = ""

    def message(self) -> Message:
        return Message(self.role, "\n".join(self.lines), self.created_at, self.message_id)


class _Note:
    """A note while its lines are coming."""

    def __init__(self, dates: DateOrder) -> None:
        self.dates = dates
        self.fields: dict[str, str] = {}
        self.messages: list[_Draft] = []
        self.annotations: list[str] = []
        self.outside: list[str] = []
        self.in_callout = False

    def front_matter(self, found: list[str]) -> list[str]:
        """Take the fields between the two `---` at the top; return the lines after them."""
        if found[0].rstrip() != "---" or "---" not in found[1:]:
            return found
        end = found.index("---", 1)
        for line in found[1:end]:
            if matched := _FIELD.fullmatch(line.rstrip()):
                self.fields[matched[1]] = matched[2].strip("\"'")
        return found[end + 1 :]

    def take(self, line: str) -> None:
        """Take one line of the body: a callout's head, its text, its id, or something else."""
        if head := _CALLOUT.fullmatch(line):
            self.end_annotation()
            when = moment(head[2].rpartition("** - ")[2], self.dates)
            self.messages.append(_Draft(ROLES[head[1]], when))
            self.in_callout = True
        elif self.in_callout and line.startswith(">"):
            self.messages[-1].lines.append(_unquoted(line))
        elif (uid := _UID.fullmatch(line)) and self.messages and not self.messages[-1].message_id:
            self.messages[-1].message_id = uid[1]
            self.in_callout = False
        else:
            self.in_callout = False
            self._take_outside(line)

    def end_annotation(self) -> None:
        """Close the annotation that was coming, if more than blanks and rules came."""
        text = "\n".join(self.outside).strip("\n")
        if not all(_RULE.fullmatch(line) for line in self.outside):
            self.annotations.append(text.removesuffix("\n---").strip("\n"))
        self.outside.clear()

    def _take_outside(self, line: str) -> None:
        header = None if self.messages else _OWN_HEADER.fullmatch(line)
        if header is None:
            self.outside.append(line)
        elif header[1] == "# Title:":
            self.fields.setdefault("title", header[2])


SOURCE = Source(NAME, recognises, read)
