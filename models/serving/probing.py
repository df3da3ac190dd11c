"""The first token of an answer, by which a served adapter is told from another.

Log-probabilities travel by the token's text, for a server tells no more.  Half a letter has none:
many tokens read `\\ufffd`, and which of them is meant nobody knows, so these are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PROBED = 20
"""Log-probabilities compared: as many as OpenAI's API tells of one token."""
HALF_A_LETTER = "\ufffd"


def by_text(likeliest: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return log-probabilities by the token's text, the likeliest of those that read the same."""
    found: dict[str, float] = {}
    for text, value in likeliest:
        if HALF_A_LETTER not in text:
            found.setdefault(text, value)
    return found


def furthest(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return by how much the log-probabilities that both know differ most, in nats.

    Only the likeliest tokens are known; where none is shared, they differ without end.
    """
    shared = one.keys() & other.keys()
    return max((abs(one[t] - other[t]) for t in shared), default=float("inf"))
