"""Near-duplicates of a batch among everything kept so far, at the cost of the batch.

    settled = neighbours.settle(newcomers)      # a verdict each; what is kept is remembered

What was kept lies on disk: in the table of signatures for earlier days, in spools for the batches
of this run.  Its keys come by, batch by batch, and only what shares a key with the newcomers is
held in memory.  Within a batch the best dialogue goes first, so the
representative of a cluster is the best, not the first seen; one that is better than an
earlier day's is kept beside it, and `stg_dialogues` shows the best of each cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from assets.cleaning.minhash import ASKED, BANDS, PERMUTATIONS, Sketches
from assets.cleaning.policy import Policy
from assets.cleaning.splits import numbers_of, splits_of
from lake.spool import Spool

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SIGNATURE_COLUMNS = (
    "exact", "dialogue", "bands", "cluster_id", "quality", "letters", "asked_letters", "facts",
    "sketch",
)  # fmt: skip
Touches = Callable[["pa.RecordBatch"], "np.ndarray"]
"""Says of rows with `SIGNATURE_COLUMNS` which share a key with the newcomers, bool (n,)."""
Earlier = Callable[[Touches], Iterator["pa.RecordBatch"]]
"""Yields of what earlier days kept the rows that touch, with `SIGNATURE_COLUMNS`."""

# What a verdict means for the dialogue, in the order of the kernel's numbers; "" keeps it.
REASONS = ("", "exact_duplicate", "near_duplicate", "near_duplicate_across_splits", "", "")


@dataclass(frozen=True, slots=True)
class Signed:
    """n dialogues by what near-duplicate search needs of them, one array a property.

    The first four are those of `Sketches`; `exact` and `dialogues` (int64) are the first 60 bits
    of revision and dialogue id, `clusters` (S32) the cluster ids.
    """

    bands: np.ndarray
    values: np.ndarray
    letters: np.ndarray
    facts: np.ndarray
    exact: np.ndarray
    dialogues: np.ndarray
    quality: np.ndarray
    clusters: np.ndarray

    def __len__(self) -> int:
        return len(self.exact)

    def take(self, rows: np.ndarray) -> Signed:
        """Return the dialogues at these rows, or where this mask is true."""
        return Signed(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Settled:
    """Of n newcomers: the reason to drop each ("" to keep it), and its cluster id (S32)."""

    reasons: list[str]
    clusters: np.ndarray


class Neighbours:
    """What was kept: in earlier days, and in this run's batches."""

    def __init__(self, policy: Policy, earlier: Earlier = lambda _touches: iter(())) -> None:
        self._policy = policy
        self._earlier = earlier
        self._kept: list[Spool] = []

    def settle(self, newcomers: Signed) -> Settled:
        """Decide for each newcomer, and remember those that are kept."""
        import numpy as np

        known = joined([*self._touching(newcomers), newcomers])
        before, count = len(known) - len(newcomers), len(newcomers)
        clusters = np.arange(len(known), dtype=np.int32)
        verdicts = np.zeros(len(known), np.int8)
        matches = np.full(len(known), -1, np.int32)
        best_first = before + np.lexsort((np.arange(count), -newcomers.quality))
        settling().settle(
            *(best_first.astype(np.int64), before, thresholds(self._policy), PERMUTATIONS),
            *(known.bands, known.values, known.letters, known.facts, known.exact),
            *(known.dialogues, known.quality, splits_of(known.clusters)),
            *(clusters, verdicts, matches),
        )
        settled = Settled(
            [REASONS[v] for v in verdicts[before:].tolist()], known.clusters[clusters[before:]]
        )
        self._remember(newcomers, settled)
        return settled

    def _touching(self, newcomers: Signed) -> Iterator[Signed]:
        """Yield of everything kept what shares a key with the newcomers."""
        table = settling().filled(newcomers.bands, newcomers.exact, newcomers.dialogues)
        touches = partial(_touches, table)
        yield from map(signed_from, self._earlier(touches))
        for spool in self._kept:
            for part in spool.batches():
                yield signed_from(part).take(touches(part))

    def _remember(self, newcomers: Signed, settled: Settled) -> None:
        import numpy as np
        import pyarrow as pa

        stays = np.array([not reason for reason in settled.reasons], np.bool_)
        kept = replace(newcomers, clusters=settled.clusters).take(stays)
        if len(kept):
            spool = Spool()
            spool.add(pa.table(columns_of(kept)))
            self._kept.append(spool)


def _touches(table: np.ndarray, part: pa.RecordBatch) -> np.ndarray:
    import numpy as np

    found = np.zeros(part.num_rows, np.bool_)
    bands = _matrix(part.column("bands"), "int32", BANDS)
    keys = (_numbers(part, "exact", "int64"), _numbers(part, "dialogue", "int64"))
    settling().touching(table, bands, *keys, found)
    return found


def settling() -> Any:
    """Return the compiled functions: numba is imported only where they run."""
    from assets.cleaning import settling as compiled

    return compiled


def thresholds(policy: Policy) -> tuple[float, float, float, float, int]:
    """Return what is near, in the order of `settling.likeness`."""
    return (
        policy.near_percent / 100,
        policy.near_asked_percent / 100,
        policy.near_short_percent / 100,
        policy.near_slip_percent / 100,
        policy.near_slip_letters,
    )


def joined(parts: list[Signed]) -> Signed:
    """Return the dialogues of several parts as one."""
    import numpy as np

    return Signed(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Signed)))


def signed(
    sketches: Sketches, *, revisions: list[str], dialogue_ids: list[str], quality: np.ndarray
) -> Signed:
    """Return newcomers, each the founder of its own cluster so far."""
    import numpy as np

    clusters = np.array(dialogue_ids, "S32")
    return Signed(
        sketches.bands,
        sketches.values,
        sketches.letters,
        sketches.facts,
        numbers_of(np.array(revisions, "S32")),
        numbers_of(clusters),
        quality,
        clusters,
    )


def columns_of(kept: Signed) -> dict[str, pa.Array]:
    """Return the columns of `cleaned_signatures` that search needs, in the lake's types."""
    import pyarrow as pa

    return {
        "exact": pa.array(kept.exact),
        "dialogue": pa.array(kept.dialogues),
        "cluster_id": pa.array(kept.clusters.astype("U32")),
        "quality": pa.array(kept.quality),
        "letters": pa.array(kept.letters[:, 0].astype("int64")),
        "asked_letters": pa.array(kept.letters[:, 1].astype("int64")),
        "facts": pa.array(kept.facts),
        "bands": _binary(kept.bands),
        "sketch": _binary(kept.values),
    }


def signed_from(batch: pa.RecordBatch) -> Signed:
    """Return the dialogues of a batch of `cleaned_signatures`: the inverse of `columns_of`."""
    import numpy as np

    numbers = partial(_numbers, batch)
    return Signed(
        _matrix(batch.column("bands"), "int32", BANDS),
        _matrix(batch.column("sketch"), "uint8", PERMUTATIONS + ASKED),
        np.column_stack([numbers("letters", "int32"), numbers("asked_letters", "int32")]),
        numbers("facts", "int64"),
        numbers("exact", "int64"),
        numbers("dialogue", "int64"),
        numbers("quality", "float64"),
        _matrix(batch.column("cluster_id"), "S32", 1).ravel()
        if batch.num_rows
        else np.zeros(0, "S32"),
    )


def _numbers(batch: pa.RecordBatch, name: str, kind: str) -> np.ndarray:
    return batch.column(name).to_numpy(zero_copy_only=False).astype(kind, copy=False)


def _binary(rows: np.ndarray) -> pa.Array:
    """Return a matrix as one binary value a row."""
    import numpy as np
    import pyarrow as pa

    width = rows.shape[1] * rows.itemsize
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.binary(), len(rows), buffers)


def _matrix(values: pa.Array, kind: str, columns: int) -> np.ndarray:
    """Return equally long binary or text values as a matrix, without copying them."""
    import numpy as np

    width = columns * np.dtype(kind).itemsize
    held = np.frombuffer(values.buffers()[2] or b"", np.uint8)
    start = np.frombuffer(values.buffers()[1], np.int32)[values.offset] if len(values) else 0
    return held[start : start + len(values) * width].view(kind).reshape(len(values), columns)
