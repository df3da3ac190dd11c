"""Which split a cluster of near-duplicates belongs to: by its id alone, on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "validation", "test")
# Of a hundred clusters five are for validation and five for the test.
VALIDATION_PERCENT = 5
TEST_PERCENT = 5


_TEST, _VALIDATION = TEST_PERCENT, TEST_PERCENT + VALIDATION_PERCENT


def split_of(cluster_id: str) -> str:
    """Return `train`, `validation` or `test`."""
    import numpy as np

    return SPLITS[int(splits_of(np.array([cluster_id], "S32"))[0])]


def splits_of(clusters: np.ndarray) -> np.ndarray:
    """Return the place in `SPLITS` of each cluster's split, as int8; ids come as S32.

    A function of the id and of nothing else.
    """
    percents = numbers_of(clusters, digits=12) % 100
    return (percents < _VALIDATION).astype("int8") + (percents < _TEST)


def numbers_of(ids: np.ndarray, *, digits: int = 15) -> np.ndarray:
    """Return the first digits of hexadecimal ids (S32) as int64: 15 of them are 60 bits."""
    import numpy as np

    signs = ids.view(np.uint8).reshape(len(ids), ids.itemsize)[:, :digits].astype(np.int64)
    values = signs - np.where(signs < ord("a"), ord("0"), ord("a") - 10)
    return values @ (16 ** np.arange(digits - 1, -1, -1, dtype=np.int64))
