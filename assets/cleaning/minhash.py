"""MinHash of texts, one pass over Arrow's own bytes, compiled by numba.

    sketched = sketch(texts, questions)     # keys for finding candidates, bytes for judging them

Fold (lower case, ё as е, letters and digits only), shingles of five characters, 112 permutations:
word shingles miss a changed ending.  After Broder 1997 (resemblance) and Indyk and Motwani 1998
(banding); the sketch keeps eight bits a permutation, as b-bit minwise hashing does (Li and Koenig
2010), so judging a candidate costs 112 bytes of the lake, not 448.

A text of no more than 112 letters fits into those bytes and is kept as it is: one changed letter
moves too much of its sketch.  Its keys are of shingles of three characters, four values a band.

What was asked has a small sketch of its own: two phrasings of one question with the same answer
resemble each other as a whole, and are two things to learn from, not one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SHINGLE = 5  # characters; five classes of 12 bits fill one 60-bit number
PERMUTATIONS = 112
# 16 bands of 7 rows offer a pair of resemblance .7 with probability .985, one of .8 with .999.
BANDS = 16
# A text of 16 letters with one changed resembles itself by .65 in shingles of three: four rows
# offer such a pair with probability .96, one of .5 with .64.
SHORT_ROWS = 4
ASKED = 64  # permutations of the sketch of the questions: a standard deviation of .06 at .5
# Whose letters have bytes of their own in a text that is kept; others may share one.
ALPHABETS = "0123456789abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюя"
SEED = 1


@dataclass(frozen=True, slots=True)
class Sketches:
    """Of n dialogues: `bands` int32 (n, 16), `values` uint8 (n, 112 + 64), `letters` int32 (n, 2).

    `values` and `letters` (how many letters and digits) are of the whole and of what was asked;
    `facts` int64 (n,) is a hash of the numbers and names in the whole.
    """

    bands: np.ndarray
    values: np.ndarray
    letters: np.ndarray
    facts: np.ndarray

    def take(self, rows: np.ndarray) -> Sketches:
        """Return the sketches at these rows, or where this mask is true."""
        return Sketches(*(getattr(self, f.name)[rows] for f in fields(self)))


def sketch(texts: pa.LargeStringArray, asked: pa.LargeStringArray) -> Sketches:
    """Return the sketches of dialogues by their whole text and their questions."""
    import numpy as np

    bands, values, letters, facts = _sketched(texts, PERMUTATIONS, BANDS)
    _, asked_values, asked_letters, _ = _sketched(asked, ASKED, 0)
    return Sketches(
        bands,
        np.hstack([values, asked_values]),
        np.column_stack([letters, asked_letters]),
        facts,
    )


def _sketched(
    texts: pa.LargeStringArray, permutations: int, bands: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return band keys, values, letter counts and facts of texts."""
    import numpy as np

    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    held = texts.buffers()[2]
    data = np.frombuffer(held, np.uint8) if held is not None else np.zeros(0, np.uint8)
    found = (
        np.empty((len(texts), bands), np.int32),
        np.empty((len(texts), permutations), np.uint8),
        np.empty(len(texts), np.int32),
        np.empty(len(texts), np.int64),
    )
    multipliers, addends = _permutations()
    sketching().sketch(data, offsets, _classes(), multipliers, addends, SHORT_ROWS, *found)
    return found


@cache
def sketching() -> Any:
    """Return the compiled functions: numba is imported only where they run."""
    from assets.cleaning import sketching as compiled

    return compiled


@cache
def _permutations() -> tuple[np.ndarray, np.ndarray]:
    """Return odd multipliers and addends of the permutations `x -> a x + b` modulo 2^32."""
    import numpy as np

    drawn = np.random.default_rng(SEED).integers(0, 2**32, (2, PERMUTATIONS), dtype=np.uint64)
    return (drawn[0] | 1).astype(np.uint32), drawn[1].astype(np.uint32)


@cache
def _classes() -> np.ndarray:
    """Return the 12-bit class of each code point, equal for what folds alike, and its marks.

    0 is no letter and no digit; `sketching.CAPITAL` and `DIGIT` mark what begins a fact.
    """
    import numpy as np

    marks = sketching()
    table = np.zeros(0x110000, np.uint16)
    known = {sign: number for number, sign in enumerate(ALPHABETS, 1)}
    for point in range(0x30000):  # planes above hold no letters in use
        sign = chr(point)
        if sign.isalnum():
            folded = sign.lower()[0].replace("ё", "е")
            table[point] = known.setdefault(folded, len(known) % marks.CLASS + 1)
            table[point] |= marks.CAPITAL * sign.isupper() | marks.DIGIT * sign.isdigit()
    return table
