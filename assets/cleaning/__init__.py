"""Cleaning: pure functions on dialogues, one rule a function, every drop with a reason.

    cleaned = clean(records, seen=revisions_kept_earlier, policy=load_policy())

Text rules repair (`text.py`), turn rules bring speakers into alternation (`turns.py`), filters
drop whole dialogues (`filters.py`).  Cleaning what is clean changes nothing.
"""

from __future__ import annotations

from assets.cleaning.cleaning import (
    CleanDialogue,
    Cleaned,
    Dropped,
    Record,
    clean,
    split_of,
)
from assets.cleaning.policy import Policy, load_policy

__all__ = [
    "CleanDialogue",
    "Cleaned",
    "Dropped",
    "Policy",
    "Record",
    "clean",
    "load_policy",
    "split_of",
]
