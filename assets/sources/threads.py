"""Conversations with branches: each message names the one before it, and a thread is a path.

Asking again or editing a question makes a branch.  Exports hold all of them, with much between
that nobody said (calls of tools, hidden context), so a thread is a path over what was said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lake.errors import SourceFormatError

# Of one conversation: each is as long as its path, and a hostile tree has as many as messages.
MAX_BRANCHES = 200


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
