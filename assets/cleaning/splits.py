"""Which split a cluster of near-duplicates belongs to: by its id alone, on every machine."""

from __future__ import annotations

SPLITS = ("train", "validation", "test")
# Of a hundred clusters five are for validation and five for the test.
VALIDATION_PERCENT = 5
TEST_PERCENT = 5


def split_of(cluster_id: str) -> str:
    """Return `train`, `validation` or `test`: a function of the id and of nothing else."""
    percent = int(cluster_id[:12], 16) % 100
    if percent < TEST_PERCENT:
        return "test"
    return "validation" if percent < TEST_PERCENT + VALIDATION_PERCENT else "train"
