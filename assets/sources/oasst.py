"""`oasst`: OpenAssistant's export, as trees, as threads, or as single messages.

    {"message_tree_id": "a", "prompt": {"message_id": "a", "role": "prompter", "text": "...",
        "lang": "ru", "replies": [{"message_id": "b", "role": "assistant", "rank": 0, ...}]}}
    {"thread_id": "b", "thread": [{"message_id": "a", ...}, {"message_id": "b", ...}]}
    {"message_id": "b", "parent_id": "a", "role": "assistant", "text": "...", "rank": 0}

(https://github.com/LAION-AI/Open-Assistant, `oasst-data/README.md`.)  Of a tree the path of the
best answers is the dialogue, its id that of the tree; `oasst_paths = "ranked"` adds a path to every
other leaf, as `<tree>#<leaf>`.  Of siblings with ranks those without one are passed over.  Two
ranked answers to one question are a `Preference` for the lower rank.  What was deleted or judged
to be spam is left out with all that follows it; what a model wrote is kept, and told.

Single messages are put aside on disk and taken back tree by tree: memory is that of one tree,
whatever the order of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from assets.sources.reading import Head, Item, Options, Source, excerpt_of, json_records
from assets.sources.records import id_from, moment_from, objects_from, role_from, text_from
from assets.sources.spill import Spill
from assets.sources.threads import MAX_BRANCHES
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Preference, Unreadable

NAME = "oasst"
SETTING = "sources.oasst_paths"
MAX_MESSAGES = 10_000  # of one tree; the largest published ones have hundreds
MAX_SIBLINGS = 30  # whose pairs are preferences: 435 of them
_FORMS = (
    frozenset({"message_tree_id", "prompt"}),
    frozenset({"thread_id", "thread"}),
    frozenset({"message_id", "text", "role"}),
    frozenset({"user_message_id", "parent_message_id", "text", "role"}),  # the seeds of its tests
)


def recognises(head: Head) -> bool:
    """A tree, a thread, or a message with its id."""
    return any(form <= head.keys for form in _FORMS)


def read(path: Path, options: Options) -> Iterator[Item]:
    """Yield the dialogues and the preferences of each tree; single messages come last."""
    every = options.oasst_paths == "ranked"
    with Spill() as pile:
        for position, record in json_records(path):
            if isinstance(record, Unreadable):
                yield record
            elif isinstance(record.get("thread"), list):
                yield _thread(record, position)
            elif isinstance(record.get("prompt"), dict) or record.get("replies"):
                yield from _tree(_grown(record), position, every=every)
            else:
                pile.put(id_from(record, "parent_id", "parent_message_id"), position, record)
        yield from _gathered(pile, every=every)


@dataclass(slots=True)
class _Node:
    """A message and its replies; `left_out` is why it counts for nothing, "" if it counts."""

    message: Message
    left_out: str
    rank: int | None
    is_synthetic: bool
    language: str
    person: str
    tree_id: str
    replies: list[_Node] = field(default_factory=list)

    def answers(self) -> list[_Node]:
        """Return what goes on from here, best first: the ranked ones where there are any."""
        kept = [reply for reply in self.replies if not reply.left_out]
        ranked = [reply for reply in kept if reply.rank is not None]
        return sorted(ranked, key=lambda reply: reply.rank or 0) or kept


def _node(record: Mapping[str, Any]) -> _Node:
    rank = record.get("rank")
    message_id = id_from(record, "message_id", "user_message_id")
    try:
        role = role_from(record.get("role"))
        fault = "" if isinstance(record.get("text"), str) else "without text"
    except SourceFormatError:
        role, fault = "user", "of an unknown role"
    if record.get("deleted"):
        fault = "deleted"
    elif record.get("review_result") is False:
        fault = "spam"
    return _Node(
        Message(role, text_from(record, "text"), _when(record), message_id),
        left_out=fault,
        rank=rank if isinstance(rank, int) else None,
        is_synthetic=bool(record.get("synthetic")),
        language=text_from(record, "lang"),
        person=id_from(record, "user_id"),
        tree_id=id_from(record, "message_tree_id"),
    )


def _grown(record: Mapping[str, Any]) -> _Node:
    """Return the tree of a record in which replies stand inside of what they answer."""
    prompt = record.get("prompt")
    first: Mapping[str, Any] = prompt if isinstance(prompt, dict) else record
    root = _node(first)
    root.tree_id = id_from(record, "message_tree_id") or root.message.message_id
    waiting = [(root, first)]
    while waiting:
        node, at = waiting.pop()
        for reply in objects_from(at.get("replies")):
            node.replies.append(_node(reply))
            waiting.append((node.replies[-1], reply))
    return root


def _gathered(pile: Spill, *, every: bool) -> Iterator[Item]:
    """Yield what the trees of single messages hold, then the messages that are in none."""
    for position, record in pile.take(""):
        root = _node(record)
        root.tree_id = root.tree_id or root.message.message_id
        waiting, count = [root], 1
        while waiting:
            node = waiting.pop()
            for _, reply in pile.take(node.message.message_id) if node.message.message_id else ():
                count += 1
                if count <= MAX_MESSAGES:
                    node.replies.append(_node(reply))
                    waiting.append(node.replies[-1])
        if count > MAX_MESSAGES:
            yield Unreadable("record_too_large", position, detail=f"A tree of {count} messages.")
        else:
            yield from _tree(root, position, every=every)
    while (key := pile.first_key()) is not None:
        for position, record in pile.take(key):
            detail = "What it answers never leads to a first message."
            said = excerpt_of(text_from(record, "text"))
            yield Unreadable("missing_parent", position, said, detail)


def _tree(root: _Node, position: str, *, every: bool) -> Iterator[Item]:
    if root.left_out:
        detail = f"The first message of the tree is {root.left_out}."
        yield Unreadable("no_messages", position, excerpt_of(root.message.content), detail)
        return
    leaves = sum(1 for path in _walk(root) if not path[-1].answers())
    told = _left_out(root)
    for number, path in enumerate(path for path in _walk(root) if not path[-1].answers()):
        if number == MAX_BRANCHES:
            detail = f"{leaves} paths; the first {MAX_BRANCHES} are read."
            yield Unreadable("too_many_branches", position, detail=detail)
            break
        named = f"{root.tree_id}#{path[-1].message.message_id}" if number else root.tree_id
        aside = 0 if every else leaves - 1
        yield _dialogue(list(path), named, position, (*_remarks(path, aside), *told))
        if not every:
            break
    yield from _preferences(root, position)


def _walk(root: _Node) -> Iterator[list[_Node]]:
    """Yield the path to every message that counts, best first; it is the same list, growing."""
    path: list[_Node] = []
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        path[depth:] = [node]
        yield path
        waiting += [(answer, depth + 1) for answer in reversed(node.answers())]


def _dialogue(path: list[_Node], named: str, position: str, remarks: tuple[str, ...]) -> Dialogue:
    return Dialogue(
        messages=tuple(node.message for node in path),
        source=NAME,
        conversation_id=named,
        position=position,
        language=path[0].language,
        participants=_people(path),
        remarks=remarks,
    )


def _people(nodes: list[_Node]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node.person for node in nodes if node.person))


def _remarks(path: list[_Node], aside: int) -> tuple[str, ...]:
    synthetic = sum(node.is_synthetic for node in path)
    said = [f"{aside} more paths: see `{SETTING}`."] if aside else []
    return (*said, f"Written by a model: {synthetic} messages.") if synthetic else tuple(said)


def _left_out(root: _Node) -> tuple[str, ...]:
    """Return a sentence for what a tree holds and its paths leave out."""
    counts: Counter[str] = Counter()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        counts[node.left_out] += 1
        waiting += node.replies
    del counts[""]
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return (f"Left out of the tree, with what follows them: {told}.",) if told else ()


def _preferences(root: _Node, position: str) -> Iterator[Preference]:
    """Yield every pair of answers of different rank to one question: the lower rank was chosen."""
    for path in _walk(root):
        answers = path[-1].answers()[:MAX_SIBLINGS]
        for better, worse in combinations(answers, 2):
            both_answer = better.message.role == worse.message.role == "assistant"
            if both_answer and better.rank != worse.rank:
                yield Preference(
                    prompt=tuple(node.message for node in path),
                    chosen=better.message.content,
                    rejected=worse.message.content,
                    source=NAME,
                    origin="ranks",
                    conversation_id=root.tree_id,
                    position=position,
                    participants=_people([*path, better, worse]),
                )


def _thread(record: Mapping[str, Any], position: str) -> Item:
    path = [_node(message) for message in objects_from(record["thread"])]
    counts = Counter(node.left_out for node in path if node.left_out)
    if not path or counts:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"
        said = excerpt_of(path[0].message.content if path else "")
        return Unreadable("no_messages", position, said, f"The thread holds {told}.")
    return _dialogue(path, id_from(record, "thread_id"), position, _remarks(path, 0))


def _when(record: Mapping[str, Any]) -> datetime | None:
    return moment_from(record.get("created_date"))


SOURCE = Source(NAME, recognises, read)
