"""MinHash of texts, one pass over Arrow's own bytes, compiled by numba.

    sketched = sketch(texts, questions)     # keys for finding candidates, bytes for judging them

Fold (lower case, ё as е, letters and digits only), shingles of five characters, 112 permutations.
On short Russian chat this definition found .98 of planted copies and nothing else, where word
shingles miss a changed ending (`docs/experiments.md`).  After Broder 1997 (resemblance) and Indyk
and Motwani 1998 (banding); the sketch keeps eight bits a permutation, as b-bit minwise hashing
does (Li and Koenig 2010), so judging a candidate costs 112 bytes of the lake, not 448.

What was asked has a small sketch of its own: two phrasings of one question with the same answer
resemble each other as a whole, and are two things to learn from, not one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SHINGLE = 5  # characters; five classes of 12 bits fill one 60-bit number
PERMUTATIONS = 112
# 16 bands of 7 rows offer a pair of resemblance .7 with probability .985, one of .8 with .999.
BANDS = 16
ROWS = PERMUTATIONS // BANDS
ASKED = 32  # permutations of the sketch of the questions: a standard deviation of .09 at .5
SEED = 1


@dataclass(frozen=True, slots=True)
class Sketches:
    """Of n dialogues: `bands` int32 (n, 16), `values` uint8 (n, 112 + 32), `letters` int32 (n,).

    `values` are of the whole and of what was asked; `letters` counts letters and digits.
    """

    bands: np.ndarray
    values: np.ndarray
    letters: np.ndarray

    def take(self, rows: np.ndarray) -> Sketches:
        """Return the sketches at these rows, or where this mask is true."""
        return Sketches(self.bands[rows], self.values[rows], self.letters[rows])


def sketch(texts: pa.LargeStringArray, asked: pa.LargeStringArray) -> Sketches:
    """Return the sketches of dialogues by their whole text and their questions."""
    import numpy as np

    bands, values, letters = _sketched(texts, PERMUTATIONS, BANDS)
    return Sketches(bands, np.hstack([values, _sketched(asked, ASKED, 1)[1]]), letters)


def _sketched(
    texts: pa.LargeStringArray, permutations: int, bands: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return band keys, values and letter counts; equal folded texts have equal ones."""
    import numpy as np

    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    held = texts.buffers()[2]
    data = np.frombuffer(held, np.uint8) if held is not None else np.zeros(0, np.uint8)
    found = (
        np.empty((len(texts), bands), np.int32),
        np.empty((len(texts), permutations), np.uint8),
        np.empty(len(texts), np.int32),
    )
    multipliers, addends = _permutations()
    kernels().sketch(
        data, offsets, _classes(), multipliers[:permutations], addends[:permutations], *found
    )
    return found


@cache
def kernels() -> Any:
    """Return the compiled functions; numba is imported here and nowhere else."""
    from assets.cleaning import kernels as compiled

    return compiled


@cache
def _permutations() -> tuple[np.ndarray, np.ndarray]:
    """Return odd multipliers and addends of the permutations `x -> a x + b` modulo 2^32."""
    import numpy as np

    drawn = np.random.default_rng(SEED).integers(0, 2**32, (2, PERMUTATIONS), dtype=np.uint64)
    return (drawn[0] | 1).astype(np.uint32), drawn[1].astype(np.uint32)


@cache
def _classes() -> np.ndarray:
    """Return the 12-bit class of each code point: equal for what folds alike, 0 for no letter."""
    import numpy as np

    table = np.zeros(0x110000, np.uint16)
    known: dict[str, int] = {}
    for point in range(0x30000):  # planes above hold no letters in use
        sign = chr(point)
        if sign.isalnum():
            folded = sign.lower()[0].replace("ё", "е")
            table[point] = known.setdefault(folded, len(known) % 4095 + 1)
    return table
