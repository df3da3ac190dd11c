"""`claude`: `conversations.json` of Claude's data export, alone or inside its zip.

    [{"uuid": "...", "name": "...", "chat_messages": [
        {"uuid": "m1", "sender": "human", "text": "...", "created_at": "2025-06-04T13:59:00Z",
         "content": [{"type": "text", "text": "..."}], "parent_message_uuid": "...",
         "attachments": [{"file_name": "a.txt", "extracted_content": "..."}], "files": []}]}]

The dialogue is the thread that ends with the last message listed; where questions were edited,
`Options.chatgpt_branches` adds the other branches.  Messages that name nothing before them stand
in the order of the list.  Reasoning and the use of tools are left out and counted; the text of an
attachment, which the person did not say, is an annotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import id_from, moment_from, objects_from, text_from
from assets.sources.threads import Conversation
from lake.schemas import Message, Unreadable

NAME = "claude"
ROLES = {"human": "user", "assistant": "assistant"}
_NOT_SAID = {
    "thinking": "reasoning",
    "redacted_thinking": "reasoning",
    "tool_use": "work with tools",
}
_NOT_SAID |= {"tool_result": "work with tools", "token_budget": "work with tools"}


def recognises(head: Head) -> bool:
    """Conversations with the key `chat_messages`."""
    return "chat_messages" in head.keys


def read(path: Path, options: Options) -> Iterator[Item]:
    """Yield the thread of the last message, by option every branch of the conversation."""
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield record
        else:
            yield from _conversation(record, position, every=options.chatgpt_branches)


def _conversation(record: Mapping[str, Any], position: str, *, every: bool) -> Iterator[Item]:
    talk = Conversation(NAME, id_from(record, "uuid"), text_from(record, "name"), position)
    messages = dict(_named(objects_from(record.get("chat_messages"))))
    before = ""
    for name, message in messages.items():
        parent = id_from(message, "parent_message_uuid")
        has_parent = "parent_message_uuid" in message
        talk.parents[name] = (parent if parent in messages else "") if has_parent else before
        _take(talk, name, message)
        before = name
    yield from talk.dialogues(before, every=every)


def _named(messages: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each message with its id; one whose id is missing or taken is called by its place."""
    taken: set[str] = set()
    for number, message in enumerate(messages, 1):
        named = id_from(message, "uuid")
        yield (named if named and named not in taken else f"message {number}"), message
        taken.add(named)


def _take(talk: Conversation, name: str, message: Mapping[str, Any]) -> None:
    """Enter a message: among what was said, or among what was left out."""
    said, kinds = _said(message)
    attached = [file for key in ("attachments", "files") for file in objects_from(message.get(key))]
    files = [id_from(file, "file_name", "file_uuid", "id") or "unnamed" for file in attached]
    text = "\n".join([*(f"[file: {file}]" for file in files), *([said] if said.strip() else [])])
    role = ROLES.get(text_from(message, "sender"))
    if role and text:
        when = moment_from(message.get("created_at"))
        talk.said[name] = Message(role, text, when, id_from(message, "uuid"))
        talk.attachments[name] = files
        talk.annotations[name] = [
            f"{file}\n\n{content}"
            for file, held in zip(files, attached, strict=True)
            if (content := text_from(held, "extracted_content"))
        ]
    else:
        talk.left_out[name] = "empty" if role else "of an unknown role"
    for number, kind in enumerate(kinds):
        talk.left_out[f"{name}, {number}"] = kind


def _said(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the text of a message's blocks, and the kinds of those that nobody said."""
    texts: list[str] = []
    kinds: list[str] = []
    for block in objects_from(message.get("content")):
        kind = text_from(block, "type")
        if kind in _NOT_SAID:
            kinds.append(_NOT_SAID[kind])
        elif kind == "text":
            texts.append(text_from(block, "text"))
        else:
            texts.append(f"[{kind or 'block'}]")
    return ("\n".join(texts) if texts or kinds else text_from(message, "text")), kinds


SOURCE = Source(NAME, recognises, read)
