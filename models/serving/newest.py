"""The newest entries of something, the oldest forgotten: what a server may keep in memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Newest(OrderedDict[K, V]):
    """At most `most` entries, in the order in which they were put, unless a caller reorders."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def put(self, key: K, value: V) -> list[V]:
        """Keep an entry, and forget the oldest ones beyond `most`; return those."""
        self[key] = value
        return [self.popitem(last=False)[1] for _ in range(len(self) - self.most)]
