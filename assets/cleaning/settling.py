"""The search for near-duplicates that numba compiles: import only where it runs (`minhash`)."""

import numba
import numpy as np

EXACT, DIALOGUE = np.uint64(0xE1), np.uint64(0xD1)  # tags beside the numbers of the bands
NEW, SAME, NEAR, BRIDGE, REVISION, BETTER = 0, 1, 2, 3, 4, 5
HOLDERS = 8  # documents that a band's key leads to; only what everybody says has more
_EMPTY, _HALF, _DOCUMENT = np.uint64(0), np.uint64(32), np.uint64(0xFFFFFFFF)
_SHINGLE = 5
_CHANCE = 1.0 / 256.0  # two unrelated values share their lowest eight bits so often


# --- candidates: an open-addressing table from keys to documents ----------------------------------
#
# A place holds the upper half of a key and the number of a document from one on: one access to
# memory a question.  Two keys may share their upper halves, so what is found is compared.


@numba.njit(cache=True, nogil=True, inline="always")
def _tagged(tag, key):
    """Return a key of the table, spread by Knuth's multiplicative hashing."""
    spread = (np.uint64(key) ^ (tag << np.uint64(56))) * np.uint64(0x9E3779B97F4A7C15)
    return spread ^ (spread >> np.uint64(32))


@numba.njit(cache=True, nogil=True, inline="always")
def _of_band(band, key):
    return _tagged(np.uint64(band), np.uint64(np.uint32(key)))


@numba.njit(cache=True, nogil=True, inline="always")
def _holder(place):
    return np.int64(place & _DOCUMENT) - 1


@numba.njit(cache=True, nogil=True)
def _first(table, key):
    """Return the document that holds a key first, -1 if nobody does."""
    last = np.uint64(table.shape[0] - 1)
    at = key & last
    while table[at] != _EMPTY:
        if table[at] >> _HALF == key >> _HALF:
            return _holder(table[at])
        at = (at + np.uint64(1)) & last
    return -1


@numba.njit(cache=True, nogil=True)
def _enter(table, key, document, most):
    """Enter a document under a key, behind those that hold it, unless they are `most` already."""
    last = np.uint64(table.shape[0] - 1)
    at, held = key & last, 0
    while table[at] != _EMPTY:
        held += table[at] >> _HALF == key >> _HALF
        if held == most:
            return
        at = (at + np.uint64(1)) & last
    table[at] = (key >> _HALF) << _HALF | np.uint64(document + 1)


@numba.njit(cache=True, nogil=True)
def insert(table, document, bands, exact, dialogue):
    """Enter a document under each of its keys."""
    _enter(table, _tagged(EXACT, exact), document, 1)
    _enter(table, _tagged(DIALOGUE, dialogue), document, 1)
    for band in range(bands.shape[0]):
        _enter(table, _of_band(band, bands[band]), document, HOLDERS)


@numba.njit(cache=True, nogil=True)
def table_for(documents, bands):
    """Return an empty table, at most half full with so many documents of so many bands."""
    size = 64
    while size < 2 * documents * (bands + 2):
        size *= 2
    return np.zeros(size, np.uint64)


@numba.njit(cache=True, nogil=True)
def filled(bands, exact, dialogues):
    """Return a table with these documents in their order."""
    table = table_for(bands.shape[0], bands.shape[1])
    for document in range(bands.shape[0]):
        insert(table, document, bands[document], exact[document], dialogues[document])
    return table


@numba.njit(cache=True, nogil=True)
def touching(table, bands, exact, dialogues, found):
    """Mark in `found` the documents that share any key with the table."""
    for d in range(bands.shape[0]):
        found[d] = (
            _first(table, _tagged(EXACT, exact[d])) >= 0
            or _first(table, _tagged(DIALOGUE, dialogues[d])) >= 0
        )
        for band in range(bands.shape[1]):
            if found[d]:
                break
            found[d] = _first(table, _of_band(band, bands[d, band])) >= 0


# --- how alike two texts are ----------------------------------------------------------------------


@numba.njit(cache=True, nogil=True)
def _shingles(said, count):
    """Return the sorted shingles of a text that is kept as it is, each as a number."""
    size = min(count, _SHINGLE)
    found = np.zeros(max(count - size + 1, 1), np.uint64)
    for start in range(found.shape[0]):
        for at in range(start, start + size):
            found[start] = (found[start] << np.uint64(8)) | np.uint64(said[at])
    found.sort()
    return found


@numba.njit(cache=True, nogil=True)
def _shared(one, other):
    """Return the share of two sorted lists of shingles that both have, each counted once."""
    a, b, both, all_of_them = 0, 0, 0, 0
    while a < one.shape[0] or b < other.shape[0]:
        if b == other.shape[0] or (a < one.shape[0] and one[a] <= other[b]):
            value = one[a]
        else:
            value = other[b]
        in_one = a < one.shape[0] and one[a] == value
        in_other = b < other.shape[0] and other[b] == value
        both += in_one and in_other
        all_of_them += 1
        while a < one.shape[0] and one[a] == value:
            a += 1
        while b < other.shape[0] and other[b] == value:
            b += 1
    return both / all_of_them


@numba.njit(cache=True, nogil=True)
def resemblance(one, other, count, count_other):
    """Return the share of shingles in common: counted where the texts are kept, else estimated."""
    longest = one.shape[0]
    if count <= longest and count_other <= longest:
        return _shared(_shingles(one, count), _shingles(other, count_other))
    if count <= longest or count_other <= longest:
        return 0.0
    equal = 0
    for p in range(longest):
        equal += one[p] == other[p]
    return (equal / longest - _CHANCE) / (1.0 - _CHANCE)


@numba.njit(cache=True, nogil=True)
def slips(one, other, count, count_other, most):
    """Return the edit distance of two texts that are kept as they are; `most + 1` if it is more."""
    if max(count, count_other) > one.shape[0] or abs(count - count_other) > most:
        return most + 1
    above, row = np.arange(count_other + 1), np.empty(count_other + 1, np.int64)
    for i in range(count):
        row[:] = most + 1
        if i + 1 <= most:
            row[0] = i + 1
        for j in range(max(0, i - most), min(count_other, i + most + 1)):
            changed = above[j] + (one[i] != other[j])
            row[j + 1] = min(changed, min(above[j + 1], row[j]) + 1)
        above, row = row, above
        if above.min() > most:
            return most + 1
    return min(above[count_other], most + 1)


@numba.njit(cache=True, nogil=True)
def _allowed(count, count_other, slip_share, slip_letters):
    """Return how many letters may differ as by a slip of the hand."""
    letters = min(count, count_other)
    return max(1, int(letters * slip_share)) if letters >= slip_letters else 0


@numba.njit(cache=True, nogil=True)
def likeness(d, o, thresholds, whole, values, letters, facts):
    """Return how near two documents are to being one and the same, 0 if they are not near.

    Short ones are compared letter by letter, and two that differ in a number or a name tell two
    facts; of long ones both the whole and what was asked must be alike.
    """
    near, asked_near, short_near, slip_share, slip_letters = thresholds
    one, other = values[d, :whole], values[o, :whole]
    count, count_other = letters[d, 0], letters[o, 0]
    asked, asked_other = values[d, whole:], values[o, whole:]
    asks, asks_other = letters[d, 1], letters[o, 1]
    if min(count, count_other) <= whole:
        most = _allowed(count, count_other, slip_share, slip_letters)
        apart = slips(one, other, count, count_other, most)
        if apart == 0 and (count or facts[d] == facts[o]):
            return 1.0
        if count == 0 or facts[d] != facts[o]:
            return 0.0
        if apart <= most:
            return 1.0 - apart / count
        alike = resemblance(one, other, count, count_other)
        if alike < short_near:
            return 0.0
        return alike if resemblance(asked, asked_other, asks, asks_other) >= short_near else 0.0
    alike = resemblance(one, other, count, count_other)
    if alike < near:
        return 0.0
    if resemblance(asked, asked_other, asks, asks_other) >= asked_near:
        return alike
    most = _allowed(asks, asks_other, slip_share, slip_letters)
    return alike if slips(asked, asked_other, asks, asks_other, most) <= most else 0.0


@numba.njit(cache=True, nogil=True)
def settle(
    order, known, thresholds, whole,
    bands, values, letters, facts, exact, dialogues, quality, splits,
    clusters, verdicts, matches,
):  # fmt: skip
    """Decide for each document of `order`: new, or the same, near, better than one before it.

    Documents up to `known` were kept earlier: they are entered as they are.  The first `whole`
    values of a sketch are of the whole text, the others of what was asked.  Writes `verdicts`,
    `matches` (the document it resembles, -1) and `clusters` (the document that founded it).
    """
    table = table_for(bands.shape[0], bands.shape[1])
    last_place = np.uint64(table.shape[0] - 1)
    compared = np.full(bands.shape[0], -1, np.int32)  # with whom a document was compared last
    for document in range(known):
        insert(table, document, bands[document], exact[document], dialogues[document])
    for d in order:
        same = _first(table, _tagged(EXACT, exact[d]))
        if same >= 0 and exact[same] == exact[d]:
            verdicts[d], matches[d], clusters[d] = SAME, same, clusters[same]
            continue
        earlier = _first(table, _tagged(DIALOGUE, dialogues[d]))
        if earlier >= 0 and dialogues[earlier] != dialogues[d]:
            earlier = -1
        nearest, nearness, bridges = -1, 0.0, False
        home = clusters[earlier] if earlier >= 0 else -1
        for band in range(bands.shape[1]):
            key = _of_band(band, bands[d, band])
            at = key & last_place
            while table[at] != _EMPTY:
                other = _holder(table[at])
                wanted = table[at] >> _HALF == key >> _HALF and compared[other] != d
                at = (at + np.uint64(1)) & last_place
                if not wanted or dialogues[other] == dialogues[d]:
                    continue
                compared[other] = d
                alike = likeness(d, other, thresholds, whole, values, letters, facts)
                if alike == 0.0:
                    continue
                if home < 0:
                    home = clusters[other]
                bridges = bridges or splits[clusters[other]] != splits[home]
                if alike > nearness:
                    nearest, nearness = other, alike
        matches[d] = nearest if nearest >= 0 else earlier
        clusters[d] = home if home >= 0 else d
        if bridges:
            verdicts[d] = BRIDGE
            continue
        if earlier >= 0:
            verdicts[d] = REVISION
        elif nearest < 0:
            verdicts[d] = NEW
        elif quality[d] > quality[nearest]:
            verdicts[d] = BETTER
        else:
            verdicts[d] = NEAR
            continue
        insert(table, d, bands[d], exact[d], dialogues[d])
