"""`chatgpt`: `conversations.json` of ChatGPT's data export, alone or inside its zip or folder.

    [{"title": "...", "conversation_id": "...", "current_node": "c", "mapping": {
        "b": {"parent": "a", "children": ["c"], "message": {"author": {"role": "user"},
              "create_time": 1717500000.1, "content": {"content_type": "text", "parts": ["..."]}}}}]

A conversation is a tree.  The shown thread ends at `current_node` and is the dialogue;
`Options.chatgpt_branches` adds every other branch, as `<conversation id>#<its last message>`.
Where no node is named as current, every branch comes, for none is known to be the shown one.

A turn is what the page shows as said: text of user and assistant.  Left out, and counted in the
remarks, are the kinds of `_left_out`.  Pictures and sounds are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import id_from, moment_from_epoch, objects_from, text_from
from assets.sources.threads import Conversation
from lake.schemas import Message, Unreadable

NAME = "chatgpt"
_CONTEXT = ("user_editable_context", "model_editable_context")
_REASONING = ("thoughts", "reasoning_recap")
_WORK = ("code", "execution_output", "system_error", "tether_quote", "tether_browsing_display")


def recognises(head: Head) -> bool:
    """Conversations with a `mapping` of nodes, and a title or a time."""
    return "mapping" in head.keys and bool(head.keys & {"title", "create_time", "current_node"})


def read(path: Path, options: Options) -> Iterator[Item]:
    """Yield the shown thread of each conversation, by option every branch of it."""
    for position, record in json_records(path):
        if isinstance(record, Unreadable):
            yield record
        else:
            yield from _conversation(record, position, every=options.chatgpt_branches)


def _conversation(record: Mapping[str, Any], position: str, *, every: bool) -> Iterator[Item]:
    named, title = id_from(record, "conversation_id", "id"), text_from(record, "title")
    talk = Conversation(NAME, named, title, position)
    nodes = record.get("mapping")
    for node_id, node in nodes.items() if isinstance(nodes, dict) else ():
        talk.parents[node_id] = id_from(node, "parent") if isinstance(node, dict) else ""
        message = node.get("message") if isinstance(node, dict) else None
        if isinstance(message, dict):
            _take(talk, node_id, message)
    yield from talk.dialogues(id_from(record, "current_node"), every=every)


def _take(talk: Conversation, node_id: str, message: Mapping[str, Any]) -> None:
    """Enter a message: among what was said, or among what was left out."""
    text, files = _text(message)
    if kind := _left_out(message, text):
        talk.left_out[node_id] = kind
        return
    talk.said[node_id] = Message(
        role=_field(message, "author").get("role", ""),
        content=text,
        created_at=moment_from_epoch(message.get("create_time")),
        message_id=id_from(message, "id") or node_id,
    )
    talk.attachments[node_id] = files


def _left_out(message: Mapping[str, Any], text: str) -> str:
    """Return the kind of a message that the page does not show as said, "" for one it does."""
    role = _field(message, "author").get("role")
    metadata = _field(message, "metadata")
    kind = _field(message, "content").get("content_type")
    if role not in ("user", "assistant"):
        return role if role in ("system", "tool") else "of an unknown role"
    if metadata.get("is_user_system_message") or kind in _CONTEXT:
        return "context"
    if metadata.get("is_visually_hidden_from_conversation"):
        return "hidden"
    if kind in _REASONING:
        return "reasoning"
    if role == "assistant" and (kind in _WORK or message.get("recipient") not in (None, "all")):
        return "work with tools"
    return "" if text.strip() else "empty"


def _text(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return a message's text, pictures and files named in brackets, and their names."""
    content, metadata = _field(message, "content"), _field(message, "metadata")
    attached = objects_from(metadata.get("attachments"))
    names = {id_from(file, "id", "name"): id_from(file, "name", "id") for file in attached}
    parts = content.get("parts")
    listed = parts if isinstance(parts, list) else [text_from(content, "text")]
    shown = [_part(part, names) for part in listed]
    beside = [f"[file: {name}]" for name in names.values() if not any(name in s for s in shown)]
    return "\n".join(text for text in (*beside, *shown) if text), list(names.values())


def _part(part: object, names: dict[str, str]) -> str:
    """Return a part's text, or `[what it is: its name]`; a file without a name enters `names`."""
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    if isinstance(part.get("text"), str):
        return text_from(part, "text")
    what = text_from(part, "content_type").removesuffix("_asset_pointer") or "file"
    pointer = text_from(part, "asset_pointer").rpartition("//")[2]
    if not pointer:
        return f"[{what}]"
    return f"[{what}: {names.setdefault(pointer, pointer)}]"


def _field(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


SOURCE = Source(NAME, recognises, read)
