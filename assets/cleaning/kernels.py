"""The loops that numba compiles: import this module only where they run (`minhash.kernels`).

The first call on a machine compiles for some seconds and caches the machine code beside this
file, or under `NUMBA_CACHE_DIR`.
"""

import numba
import numpy as np

_MASK = np.uint64(0xFFFFFFFFFFFFFFF)  # five classes of 12 bits
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(cache=True, nogil=True, inline="always")
def _mixed(x):
    """Return the finalizer of MurmurHash3 (Appleby, public domain): every bit moves every bit."""
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


@numba.njit(cache=True, nogil=True)
def sketch(data, offsets, classes, multipliers, addends, bands, values, letters):
    """Fill bands, values and counts of letters of the UTF-8 texts between `offsets` of `data`."""
    permutations = multipliers.shape[0]
    rows = permutations // bands.shape[1]
    lowest = np.empty(permutations, np.uint32)
    for text in range(offsets.shape[0] - 1):
        lowest[:] = np.uint32(0xFFFFFFFF)
        window, count, raw = np.uint64(0), 0, np.uint64(1469598103934665603)
        at, end = offsets[text], offsets[text + 1]
        while at < end:
            byte = np.uint32(data[at])
            if byte < 0x80:
                point, size = byte, 1
            elif byte < 0xE0:
                point = ((byte & np.uint32(31)) << np.uint32(6)) | np.uint32(data[at + 1] & 63)
                size = 2
            elif byte < 0xF0:
                point = (
                    ((byte & np.uint32(15)) << np.uint32(12))
                    | (np.uint32(data[at + 1] & 63) << np.uint32(6))
                    | np.uint32(data[at + 2] & 63)
                )
                size = 3
            else:
                point = (
                    ((byte & np.uint32(7)) << np.uint32(18))
                    | (np.uint32(data[at + 1] & 63) << np.uint32(12))
                    | (np.uint32(data[at + 2] & 63) << np.uint32(6))
                    | np.uint32(data[at + 3] & 63)
                )
                size = 4
            at += size
            kind = np.uint64(classes[point])
            if kind == 0:
                if count == 0:
                    raw = (raw ^ np.uint64(point)) * np.uint64(1099511628211)
                continue
            window = ((window << np.uint64(12)) | kind) & _MASK
            count += 1
            if count >= 5:
                seed = np.uint32(_mixed(window) >> np.uint64(32))
                for p in range(permutations):
                    value = np.uint32(seed * multipliers[p] + addends[p])
                    value ^= value >> np.uint32(15)
                    lowest[p] = min(value, lowest[p])
        if count < 5:  # too short for a shingle: it resembles only what folds to the same
            seed = np.uint32(_mixed(window if count else raw) >> np.uint64(32))
            for p in range(permutations):
                value = np.uint32(seed * multipliers[p] + addends[p])
                lowest[p] = value ^ (value >> np.uint32(15))
        letters[text] = count
        for p in range(permutations):
            values[text, p] = np.uint8(lowest[p] & np.uint32(255))
        for band in range(bands.shape[1]):
            key = np.uint64(band) * _GOLDEN
            for row in range(rows):
                key = (key ^ np.uint64(lowest[band * rows + row])) * np.uint64(0x9FB21C651E98DF25)
                key ^= key >> np.uint64(32)
            bands[text, band] = np.int32(np.uint32(key >> np.uint64(32)))


# --- candidates: an open-addressing table from 64-bit keys to documents ------------------------

EXACT, DIALOGUE = np.uint64(0xE1), np.uint64(0xD1)  # tags beside the numbers of the bands
NEW, SAME, NEAR, BRIDGE, REVISION, BETTER = 0, 1, 2, 3, 4, 5
_EMPTY = np.int32(-1)


@numba.njit(cache=True, nogil=True, inline="always")
def _tagged(tag, key):
    return _mixed((np.uint64(key) + tag) * _GOLDEN + tag)


@numba.njit(cache=True, nogil=True, inline="always")
def _slot(keys, holders, key):
    """Return where a key stands in the table, or the free place where it belongs."""
    last = np.uint64(keys.shape[0] - 1)
    slot = key & last
    while holders[slot] != _EMPTY and keys[slot] != key:
        slot = (slot + np.uint64(1)) & last
    return slot


@numba.njit(cache=True, nogil=True)
def insert(keys, holders, document, bands, exact, dialogue):
    """Enter a document under each of its keys that nobody holds yet."""
    count = bands.shape[0]
    for number in range(count + 2):
        if number < count:
            key = _tagged(np.uint64(number), np.uint64(np.uint32(bands[number])))
        else:
            key = _tagged(EXACT, exact) if number == count else _tagged(DIALOGUE, dialogue)
        slot = _slot(keys, holders, key)
        if holders[slot] == _EMPTY:
            keys[slot] = key
            holders[slot] = document


@numba.njit(cache=True, nogil=True)
def fill(keys, holders, bands, exact, dialogues):
    """Enter documents into the table in their order."""
    for document in range(bands.shape[0]):
        insert(keys, holders, document, bands[document], exact[document], dialogues[document])


@numba.njit(cache=True, nogil=True)
def touching(keys, holders, bands, exact, dialogues, found):
    """Mark in `found` the documents that share any key with the table."""
    for d in range(bands.shape[0]):
        found[d] = (
            holders[_slot(keys, holders, _tagged(EXACT, exact[d]))] != _EMPTY
            or holders[_slot(keys, holders, _tagged(DIALOGUE, dialogues[d]))] != _EMPTY
        )
        for band in range(bands.shape[1]):
            if found[d]:
                break
            key = _tagged(np.uint64(band), np.uint64(np.uint32(bands[d, band])))
            found[d] = holders[_slot(keys, holders, key)] != _EMPTY


@numba.njit(cache=True, nogil=True, inline="always")
def _resemblance(one, other):
    equal = 0
    for p in range(one.shape[0]):
        equal += one[p] == other[p]
    chance = 1.0 / 256.0
    return (equal / one.shape[0] - chance) / (1.0 - chance)


@numba.njit(cache=True, nogil=True)
def settle(
    order, known, threshold, asked_threshold, short_threshold, min_letters, whole,
    bands, values, letters, exact, dialogues, quality, splits,
    clusters, verdicts, matches,
):  # fmt: skip
    """Decide for each document of `order`: new, or the same, near, better than one before it.

    Documents up to `known` were kept earlier: they are entered as they are.  The first `whole`
    values of a sketch are of the whole text, the others of what was asked.  Writes `verdicts`,
    `matches` (the document it resembles, -1) and `clusters` (the document that founded it).
    """
    size = 64
    while size < 3 * bands.shape[0] * (bands.shape[1] + 2):
        size *= 2
    keys = np.zeros(size, np.uint64)
    holders = np.full(size, _EMPTY, np.int32)
    for document in range(known):
        insert(keys, holders, document, bands[document], exact[document], dialogues[document])
    for d in order:
        same = holders[_slot(keys, holders, _tagged(EXACT, exact[d]))]
        if same != _EMPTY:
            verdicts[d], matches[d] = SAME, same
            continue
        earlier = holders[_slot(keys, holders, _tagged(DIALOGUE, dialogues[d]))]
        nearest, nearness, bridges = _EMPTY, 0.0, False
        home = clusters[earlier] if earlier != _EMPTY else _EMPTY
        last = _EMPTY
        for band in range(bands.shape[1]):
            key = _tagged(np.uint64(band), np.uint64(np.uint32(bands[d, band])))
            other = holders[_slot(keys, holders, key)]
            if other == _EMPTY or other == last:
                continue
            last = other
            if dialogues[other] == dialogues[d]:
                continue
            short = min(letters[d], letters[other]) < min_letters
            likeness = _resemblance(values[d, :whole], values[other, :whole])
            asked = _resemblance(values[d, whole:], values[other, whole:])
            if short and min(likeness, asked) < short_threshold:
                continue
            if likeness < threshold or asked < asked_threshold:
                continue
            if home == _EMPTY:
                home = clusters[other]
            bridges = bridges or splits[clusters[other]] != splits[home]
            if likeness > nearness:
                nearest, nearness = other, likeness
        matches[d] = nearest if nearest != _EMPTY else earlier
        if bridges:
            verdicts[d] = BRIDGE
            continue
        if earlier != _EMPTY:
            verdicts[d] = REVISION
        elif nearest == _EMPTY:
            verdicts[d], home = NEW, d
        elif quality[d] > quality[nearest]:
            verdicts[d] = BETTER
        else:
            verdicts[d] = NEAR
            continue
        clusters[d] = home
        insert(keys, holders, d, bands[d], exact[d], dialogues[d])
