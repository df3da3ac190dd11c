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

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, json_records
from assets.sources.records import id_from, moment_from_epoch, text_from, unreadable
from assets.sources.threads import MAX_BRANCHES, ends, last_said, over_said, path_to
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

NAME = "chatgpt"
SETTING = "sources.chatgpt_branches"
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
    try:
        tree = _tree(record, position)
    except SourceFormatError as error:
        yield unreadable(error, record, position)
        return
    named = id_from(record, "conversation_id", "id")
    shown = last_said(id_from(record, "current_node"), tree.parents, tree.said)
    others = [end for end in ends(tree.over_said, tree.said) if end != shown]
    if shown:
        aside = 0 if every else len(others)
        yield _thread(tree, shown, named, aside)
    if every or not shown:
        for end in others[:MAX_BRANCHES]:
            yield _thread(tree, end, f"{named}#{end}", 0)
        if len(others) > MAX_BRANCHES:
            detail = f"{len(others)} branches; the first {MAX_BRANCHES} are read."
            yield Unreadable("too_many_branches", position, tree.title, detail)


@dataclass(frozen=True, slots=True)
class _Tree:
    """A conversation's nodes: what each follows, what was said, and what was left out by kind."""

    title: str
    position: str
    parents: dict[str, str]
    said: dict[str, Message]
    attachments: dict[str, list[str]]
    left_out: dict[str, str]
    over_said: dict[str, str]


def _tree(record: Mapping[str, Any], position: str) -> _Tree:
    nodes = record.get("mapping")
    if not isinstance(nodes, dict) or not nodes:
        raise SourceFormatError("no_messages", "`mapping` is no object with messages.")
    parents: dict[str, str] = {}
    said: dict[str, Message] = {}
    attachments: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for node_id, node in nodes.items():
        parents[node_id] = id_from(node, "parent") if isinstance(node, dict) else ""
        message = node.get("message") if isinstance(node, dict) else None
        if not isinstance(message, dict):
            continue
        text, attachments[node_id] = _text(message)
        if kind := _left_out(message, text):
            left_out[node_id] = kind
        else:
            when = moment_from_epoch(message.get("create_time"))
            role = _field(message, "author").get("role", "")
            said[node_id] = Message(role, text, when, id_from(message, "id") or node_id)
    if not said:
        raise SourceFormatError("no_messages", "Nothing in it was said by user or assistant.")
    tree, title = over_said(parents, said), text_from(record, "title")
    return _Tree(title, position, parents, said, attachments, left_out, tree)


def _thread(tree: _Tree, end: str, named: str, aside: int) -> Item:
    try:
        path = path_to(end, tree.over_said)
    except SourceFormatError as error:
        return unreadable(error, tree.title, tree.position)
    remarks = [f"{aside} more branches: see `{SETTING}`."] if aside else []
    if tree.left_out:
        kinds = Counter(tree.left_out.values())
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        remarks.append(f"Left out of the conversation: {counted}.")
    return Dialogue(
        messages=tuple(tree.said[message] for message in path),
        source=NAME,
        conversation_id=named,
        title=tree.title,
        position=tree.position,
        attachments=tuple(name for message in path for name in tree.attachments[message]),
        remarks=tuple(remarks),
    )


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
    files = metadata.get("attachments")
    attached = [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []
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
