"""The loops over letters that numba compiles: import only where they run (`minhash.sketching`).

The first call on a machine compiles for some seconds and caches the machine code beside this
file, or under `NUMBA_CACHE_DIR`.
"""

import numba
import numpy as np

# What the table of classes says of a code point: a class of 12 bits, and these marks.
CLASS, CAPITAL, DIGIT = 0x0FFF, 0x1000, 0x2000
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

_CLASS, _CAPITAL, _DIGIT = np.uint16(CLASS), np.uint16(CAPITAL), np.uint16(DIGIT)
_SPACE, _COMMA = np.uint32(32), np.uint32(44)
_FULL_BAND, _FULL_SHINGLE, _SHORT_SHINGLE = 0, 5, 3
_SHORT_BANDS = 64  # numbers of the bands of short texts, which never meet those of long ones


@numba.njit(cache=True, nogil=True, inline="always")
def mixed(x):
    """Return the finalizer of MurmurHash3 (Appleby, public domain): every bit moves every bit."""
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


@numba.njit(cache=True, nogil=True, inline="always")
def _decoded(data, at):
    """Return the code point at a place of UTF-8, and its size in bytes."""
    byte = np.uint32(data[at])
    if byte < 0x80:
        return byte, 1
    if byte < 0xE0:
        return ((byte & np.uint32(31)) << np.uint32(6)) | np.uint32(data[at + 1] & 63), 2
    if byte < 0xF0:
        return (
            ((byte & np.uint32(15)) << np.uint32(12))
            | (np.uint32(data[at + 1] & 63) << np.uint32(6))
            | np.uint32(data[at + 2] & 63)
        ), 3
    return (
        ((byte & np.uint32(7)) << np.uint32(18))
        | (np.uint32(data[at + 1] & 63) << np.uint32(12))
        | (np.uint32(data[at + 2] & 63) << np.uint32(6))
        | np.uint32(data[at + 3] & 63)
    ), 4


@numba.njit(cache=True, nogil=True)
def fold(data, begin, end, classes, folded):
    """Write the classes of a text's letters and digits; return how many, and its facts.

    The facts are a hash of its numbers and names: of words with a digit in front, or with a
    capital letter in the middle of a sentence.  A text without a letter has one of all its signs.
    """
    count, at = 0, begin
    facts, signs = np.uint64(0), np.uint64(0)
    in_fact, before, last = False, False, np.uint32(0)
    while at < end:
        point, size = _decoded(data, at)
        at += size
        marked = classes[point]
        kind = marked & _CLASS
        if kind == 0:
            if point > _SPACE:
                signs = mixed(signs + np.uint64(point) + GOLDEN)
            # A sentence goes on after a letter or a comma and a space.
            before = point == _SPACE and (last == _COMMA or classes[last] & _CLASS != 0)
            in_fact = False
        else:
            begins = marked & _DIGIT or (before and marked & _CAPITAL)
            if not in_fact and begins:
                in_fact, facts = True, mixed(facts + GOLDEN)
            if in_fact:
                facts = mixed(facts + np.uint64(kind))
            before = False
            folded[count] = kind
            count += 1
        last = point
    return count, facts if count else signs


@numba.njit(cache=True, nogil=True)
def _lowest(folded, count, size, multipliers, addends, lowest):
    """Write the lowest value that each permutation gives to a shingle of `size` letters."""
    mask = (np.uint64(1) << np.uint64(12 * size)) - np.uint64(1)
    lowest[:] = np.uint32(0xFFFFFFFF)
    window = np.uint64(0)
    for at in range(count):
        window = ((window << np.uint64(12)) | np.uint64(folded[at])) & mask
        if at + 1 >= min(size, count):
            seed = np.uint32(mixed(window) >> np.uint64(32))
            for p in range(lowest.shape[0]):
                value = np.uint32(seed * multipliers[p] + addends[p])
                value ^= value >> np.uint32(15)
                lowest[p] = min(value, lowest[p])


@numba.njit(cache=True, nogil=True)
def _banded(lowest, rows, first, bands):
    """Write one key for each `rows` values, of bands numbered from `first`."""
    for band in range(bands.shape[0]):
        key = np.uint64(first + band) * GOLDEN
        for row in range(rows):
            key = (key ^ np.uint64(lowest[band * rows + row])) * np.uint64(0x9FB21C651E98DF25)
            key ^= key >> np.uint64(32)
        bands[band] = np.int32(np.uint32(key >> np.uint64(32)))


@numba.njit(cache=True, nogil=True)
def sketch(data, offsets, classes, multipliers, addends, short_rows, bands, values, letters, facts):
    """Fill the four outputs for the UTF-8 texts between `offsets` of `data`.

    A text of no more letters than a sketch has values is kept as it is, a byte a letter; of a
    longer one each value is the lowest eight bits of a permutation's lowest.
    """
    permutations, count_bands = values.shape[1], bands.shape[1]
    lowest = np.empty(permutations, np.uint32)
    few = lowest[: short_rows * count_bands]
    folded = np.empty(np.max(np.diff(offsets)) + 1 if offsets.shape[0] > 1 else 1, np.uint16)
    for text in range(offsets.shape[0] - 1):
        count, facts[text] = fold(data, offsets[text], offsets[text + 1], classes, folded)
        letters[text] = count
        if count > permutations:
            _lowest(folded, count, _FULL_SHINGLE, multipliers, addends, lowest)
            for p in range(permutations):
                values[text, p] = np.uint8(lowest[p] & np.uint32(255))
            if count_bands:
                _banded(lowest, permutations // count_bands, _FULL_BAND, bands[text])
            continue
        for p in range(permutations):
            values[text, p] = (folded[p] - 1) % 255 + 1 if p < count else 0
        if count_bands:
            _lowest(folded, count, _SHORT_SHINGLE, multipliers, addends, few)
            _banded(few, short_rows, _SHORT_BANDS, bands[text])
