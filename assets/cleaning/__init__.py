"""Cleaning: batches of records in, dialogues fit to train on out, every drop with a reason.

    cleaner = Cleaner(policy, Neighbours(policy))
    cleaned = cleaner.clean(batch)      # kept, dropped, findings, signatures

Text rules repair (`text.py`), turn rules bring speakers into alternation (`turns.py`), marks show
faults (`marks.py`), filters drop whole dialogues (`filters.py`), near-duplicates leave one of
each cluster (`near_duplicates.py`).  Cleaning what is clean changes nothing.
"""

from __future__ import annotations

from assets.cleaning.cleaning import Cleaner
from assets.cleaning.near_duplicates import Neighbours
from assets.cleaning.policy import Policy, load_policy
from assets.cleaning.tables import Cleaned

__all__ = [
    "Cleaned",
    "Cleaner",
    "Neighbours",
    "Policy",
    "load_policy",
]
