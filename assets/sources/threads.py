"""Conversations with branches: each message names the one before it, and a thread is a path.

Asking again or editing a question makes a branch.  Exports hold all of them, with much between
that nobody said (calls of tools, hidden context), so a thread is a path over what was said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from assets.sources.reading import Item
from assets.sources.records import unreadable
from lake.errors import SourceFormatError
from lake.schemas import Dialogue, Message, Unreadable

SETTING = "sources.chatgpt_branches"

# Of one conversation: each is as long as its path, and a hostile tree has as many as messages.
MAX_BRANCHES = 200


@dataclass(slots=True)
class Conversation:
    """A conversation while it is read: what follows what, what was said, what was left out.

    `parents`, `said` and the rest are keyed by the ids of its nodes; `left_out` says of what kind
    a node is that nobody said.
    """

    source: str
    conversation_id: str
    title: str
    position: str
    parents: dict[str, str] = field(default_factory=dict)
    said: dict[str, Message] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, list[str]] = field(default_factory=dict)
    annotations: dict[str, list[str]] = field(default_factory=dict)

    def dialogues(self, shown: str, *, every: bool) -> Iterator[Item]:
        """Yield the thread that ends at the node `shown`; then, if `every`, each other branch.

        A branch is called `<conversation id>#<its last message>`.  Where nothing was said at or
        before `shown`, every branch comes, for none is known to be the shown one.
        """
        if not self.said:
            detail = "Nothing in it was said by user or assistant."
            yield Unreadable("no_messages", self.position, self.title[:200], detail)
            return
        tree = over_said(self.parents, self.said)
        end = last_said(shown, self.parents, self.said)
        others = [other for other in ends(tree, self.said) if other != end]
        if end:
            yield self._thread(tree, end, self.conversation_id, 0 if every else len(others))
        if every or not end:
            for other in others[:MAX_BRANCHES]:
                yield self._thread(tree, other, f"{self.conversation_id}#{other}", 0)
            if len(others) > MAX_BRANCHES:
                detail = f"{len(others)} branches; the first {MAX_BRANCHES} are read."
                yield Unreadable("too_many_branches", self.position, self.title[:200], detail)

    def _thread(self, tree: Mapping[str, str], end: str, named: str, aside: int) -> Item:
        try:
            path = path_to(end, tree)
        except SourceFormatError as error:
            return unreadable(error, self.title, self.position)
        remarks = [f"{aside} more branches: see `{SETTING}`."] if aside else []
        if self.left_out:
            kinds = Counter(self.left_out.values())
            counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            remarks.append(f"Left out of the conversation: {counted}.")
        return Dialogue(
            messages=tuple(self.said[node] for node in path),
            source=self.source,
            conversation_id=named,
            title=self.title,
            position=self.position,
            annotations=tuple(text for node in path for text in self.annotations.get(node, ())),
            attachments=tuple(name for node in path for name in self.attachments.get(node, ())),
            remarks=tuple(remarks),
        )


def over_said(parents: Mapping[str, str], said: Collection[str]) -> dict[str, str]:
    """Return the tree of what was said: for each such message the nearest said before it, or "".

    A link to a message that is not there stays, and a circle becomes a message that stands
    before itself, so that `path_to` finds both.
    """
    tree: dict[str, str] = {}
    nearest: dict[str, str] = {}  # of what was passed over: what was said at or before it
    for message in said:
        trail: dict[str, None] = {}
        at = parents[message]
        while at in parents and at not in said and at not in nearest and at not in trail:
            trail[at] = None
            at = parents[at]
        if at in trail:
            tree[at] = at
        above = nearest.get(at, at)
        nearest.update(dict.fromkeys(trail, above))
        tree[message] = above
    return tree


def path_to(message: str, tree: Mapping[str, str]) -> list[str]:
    """Return the ids from a root to a message.

    `SourceFormatError`: `cycle` where the path leads back to itself, `missing_parent` where it
    leads to a message that is not there.
    """
    path: dict[str, None] = {}
    at = message
    while at:
        if at in path:
            raise SourceFormatError("cycle", "A message stands before itself.")
        if at not in tree:
            raise SourceFormatError("missing_parent", "A message follows one that is not there.")
        path[at] = None
        at = tree[at]
    return list(reversed(path))


def last_said(node: str, parents: Mapping[str, str], said: Collection[str]) -> str:
    """Return the nearest message that was said at or before a node, "" if there is none."""
    passed: set[str] = set()
    while node in parents and node not in said and node not in passed:
        passed.add(node)
        node = parents[node]
    return node if node in said else ""


def ends(tree: Mapping[str, str], said: Collection[str]) -> list[str]:
    """Return the last message of every branch, in the order of `said`."""
    followed = set(tree.values())
    return [message for message in said if message not in followed]
