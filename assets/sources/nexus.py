"""`nexus`: notes that the Nexus AI Chat Importer writes into an Obsidian vault, of every version.

    >[!nexus_user] **User** - 04.06.2025 at 13:59        since 1.2
    > a line of the message
    <!-- UID: eb6f75e6-... -->
    #### Assistant, on 04/06/2025 at 13:59;              until 1.1; `### User, on ...` with `>`
    >> a line of the answer

A note is one dialogue.  What stands outside the messages was written into the vault by the person
or by another plugin (or is the importer's list of related queries): it is the dialogue's
annotation, never a turn.  Attachments, artifacts, prompts and other callouts inside a message
stay in its text, named in brackets.  `[No content found]` is the importer's word for nothing.

Dates follow the writer's locale: `dates` says how they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assets.sources.dates import moment, order_of, remarks_on
from assets.sources.reading import (
    MAX_RECORD_BYTES,
    MAX_RECORD_LINES,
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
ROLES = {"user": "user", "agent": "assistant", "assistant": "assistant", "chatgpt": "assistant"}
SETTING = "sources.nexus_dates"
NO_CONTENT = "[No content found]"
_CALLOUT = re.compile(r">[ \t]?\[!nexus_(user|agent)\][+-]?[ \t]*(.*)")
_HEADING = re.compile(r"(###|####) (User|Assistant|ChatGPT), on (.*?);?[ \t]*")
_NESTED = re.compile(r">?[ \t]*\[!nexus_(\w+)\][+-]?[ \t]*(.*)")
_FILE_NAME = re.compile(r"\*\*(.+?)\*\*")
_UID = re.compile(r"<!-- UID: (.*?) -->\s*")
_FIELD = re.compile(r"(\w+):[ \t]*(.*)")
_OWN_HEADER = re.compile(r"(# Title:|Created:|Last Updated:|Chat URL:)[ \t]*(.*)")
_RULE = re.compile(r"\s*(-{3,})?\s*")


def recognises(head: Head) -> bool:
    """A callout or heading of the importer, or `nexus:` in the note's front matter."""
    matter = head.text.startswith("---") and re.search(r"^nexus:", head.text, re.MULTILINE)
    said = re.search(rf"^(?:{_CALLOUT.pattern}|{_HEADING.pattern}$)", head.text, re.MULTILINE)
    return bool(matter or said) and not head.keys


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


def parse(text: str, dates: str = "") -> Item:
    """Return the dialogue of a note's text; `dates` is the order of slashed ones, if known."""
    note = _Note()
    for line in note.front_matter(text.split("\n")):
        note.take(line)
    if not note.messages:
        detail = "Nobody speaks: an artifact, a report of the importer, or an empty conversation."
        return Unreadable("no_messages", "note", excerpt_of(text), detail)
    note.end_annotation()
    times = [draft.time for draft in note.messages if draft.time]
    order = order_of(times, dates)
    return Dialogue(
        messages=tuple(draft.message(order) for draft in note.messages),
        source=NAME,
        conversation_id=note.fields.get("conversation_id", ""),
        title=note.fields.get("aliases") or note.fields.get("title", ""),
        position=f"lines 1-{text.count(chr(10)) + 1}",
        annotations=tuple(note.annotations),
        attachments=tuple(note.attachments),
        remarks=(*remarks_on(times, order, SETTING), *note.remarks()),
    )


def render(dialogue: Dialogue) -> str:
    """Return a note as version 1.3 writes it; annotations follow the first message."""
    head = "---\nnexus: nexus-ai-chat-importer\n"
    head += f"aliases: {dialogue.title}\nconversation_id: {dialogue.conversation_id}\n---\n\n"
    parts = [_rendered(message) for message in dialogue.messages]
    parts[1:1] = [f"{annotation}\n" for annotation in dialogue.annotations]
    return head + "\n".join(parts) + "\n---\n"


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


@dataclass(slots=True)
class _Draft:
    """A message while its lines are coming; `depth` is how many `>` stand before each."""

    role: str
    time: str
    depth: int = 1
    is_heading: bool = False
    lines: list[str] = field(default_factory=list)
    message_id: str = ""

    def message(self, order: str) -> Message:
        text = "\n".join(self.lines)
        content = "" if text.strip() == NO_CONTENT else text
        return Message(self.role, content, moment(self.time, order), self.message_id)

    def unquoted(self, line: str) -> str:
        """Undo the quoting of 1.1 (`>> text`), of 1.2 (`> > text`) and of 1.3 (`>> text`)."""
        depth = 2 if self.depth == 2 and line.startswith(">>") else 1
        return line[depth:].removeprefix(" ")


class _Note:
    """A note while its lines are coming."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.messages: list[_Draft] = []
        self.annotations: list[str] = []
        self.attachments: list[str] = []
        self.outside: list[str] = []
        self.is_speaking = False

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
        """Take one line of the body: a message's head, its text, its id, or something else."""
        if draft := _begun(line):
            self.end_annotation()
            self.messages.append(draft)
            self.is_speaking = True
        elif self.is_speaking and line.startswith(">"):
            self.messages[-1].lines.append(self._named(self.messages[-1].unquoted(line)))
        elif (uid := _UID.fullmatch(line)) and self.messages and not self.messages[-1].message_id:
            self.messages[-1].message_id = uid[1]
            self.is_speaking = False
        elif line.strip() or not self._waits():
            self.is_speaking = False
            self._take_outside(line)

    def end_annotation(self) -> None:
        """Close the annotation that was coming, if more than blanks and rules came."""
        text = "\n".join(self.outside).strip("\n")
        if not all(_RULE.fullmatch(line) for line in self.outside):
            self.annotations.append(text.removesuffix("\n---").strip("\n"))
        self.outside.clear()

    def remarks(self) -> tuple[str, ...]:
        """Return a sentence if the importer found nothing in messages, and said so in them."""
        empty = sum("\n".join(m.lines).strip() == NO_CONTENT for m in self.messages)
        return (f"Messages: {empty} without content.",) if empty else ()

    def _waits(self) -> bool:
        """Say whether a message of 1.1 is coming: blank lines stand inside those."""
        return self.is_speaking and self.messages[-1].is_heading

    def _named(self, text: str) -> str:
        """Return a line; the head of a callout inside a message with its kind in brackets."""
        found = _NESTED.fullmatch(text)
        if found is None:
            return text
        if found[1] == "attachment" and (name := _FILE_NAME.search(found[2])):
            self.attachments.append(name[1])
        return f"[{found[1]}] {found[2]}"

    def _take_outside(self, line: str) -> None:
        header = None if self.messages else _OWN_HEADER.fullmatch(line)
        if header is None:
            self.outside.append(line)
        elif header[1] == "# Title:":
            self.fields.setdefault("title", header[2])


def _begun(line: str) -> _Draft | None:
    """Return the message that a line begins, None if it begins none."""
    if found := _CALLOUT.fullmatch(line):
        return _Draft(ROLES[found[1]], found[2].partition("** - ")[2])
    if found := _HEADING.fullmatch(line):
        return _Draft(ROLES[found[2].lower()], found[3], depth=len(found[1]) - 2, is_heading=True)
    return None


SOURCE = Source(NAME, recognises, read)
