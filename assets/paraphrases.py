"""Dialogues that say in other words what another one says: semantic duplicates.

Off by default, and never dropped: a paraphrase teaches that one thing can be asked in many ways.
Where there are too many of them, the setting `semantic_duplicates` leaves them out of training
sets and exams; the table `embeddings_duplicates` says of which and how near.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Block = tuple[
        Sequence[str], np.ndarray
    ]  # n ids, and their unit vectors float32 [n, dimensions]

ROWS_AT_ONCE = 4096  # 64 MiB of similarities at a time


class Paraphrase(NamedTuple):
    """The row of a dialogue, the id of the one it repeats, and the cosine of their vectors."""

    row: int
    of: str
    similarity: float


def paraphrases(
    newcomers: Block, earlier: Iterable[Block], *, threshold: float
) -> list[Paraphrase]:
    """Return the newcomers whose cosine with one that stays reaches the threshold, in their order.

    `earlier` are dialogues that stay; of the newcomers an earlier row stays before a later one.
    The comparison is exact and costs newcomers times all, a block of memory at a time.
    """
    import numpy as np

    ids, vectors = newcomers
    best = np.full(len(ids), -1.0, np.float32)
    of = np.full(len(ids), "", object)
    for their_ids, theirs in earlier:
        for rows in _blocks(len(ids)):
            found = vectors[rows] @ theirs.T
            nearest = found.argmax(axis=1)
            nearness = found.max(axis=1)
            better = nearness > best[rows]
            best[rows] = np.where(better, nearness, best[rows])
            of[rows] = np.where(better, np.array(their_ids, object)[nearest], of[rows])
    stays = best < threshold
    for at, nearness in _near_one_before(vectors, threshold):
        nearness_to_kept = np.where(stays[:at], nearness, -1)
        nearest = int(nearness_to_kept.argmax())
        if stays[at] and nearness_to_kept[nearest] >= threshold:
            best[at], of[at], stays[at] = nearness_to_kept[nearest], ids[nearest], False
    return [Paraphrase(row, of[row], float(best[row])) for row in np.flatnonzero(~stays).tolist()]


def _near_one_before(vectors: np.ndarray, threshold: float) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the rows that reach the threshold with an earlier row, and their cosines with all."""
    import numpy as np

    for rows in _blocks(len(vectors)):
        found = vectors[rows] @ vectors[: rows.stop].T
        row, other = np.nonzero(found >= threshold)
        for near in np.unique(row[other < row + rows.start]).tolist():
            at = rows.start + near
            yield at, found[near, :at]


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, count))
