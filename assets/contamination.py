"""Which items of a suite an adapter's training has seen: as they are, in words, or nearly.

An item is a conversation that ends in the reference answer; it was seen if a training row holds
it, wherever in the row.  Three ways, the first that applies is told:

    exact            the same letters and digits, message by message
    eight_grams      most of its 8-grams of words, and those of its last question besides
    near_duplicate   one and the same by the cleaning policy's sketches (`assets.cleaning.minhash`)

An answer that was taught to another question is no contamination: to give it is what was learned.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from models.evaluation import Item

if TYPE_CHECKING:
    from assets.cleaning.minhash import Sketches
    from assets.cleaning.policy import Policy

Message = Mapping[str, str]
Talk = Sequence[Message]
GRAM = 8
"""Words a gram has; the shortest that Brown et al. 2020 (arXiv 2005.14165, appendix C) use."""
SHARE = 0.7
"""Of an item's 8-grams: Chowdhery et al. 2022 (PaLM, arXiv 2204.02311, §8)."""


def seen(items: Iterable[Item], rows: Sequence[Talk], policy: Policy) -> dict[str, str]:
    """Return how each item was seen that was, by item id; `rows` are messages to learn from."""
    asked = list(items)
    if not asked or not rows:
        return {}
    windows = _windows(rows, {len(item.messages) for item in asked})
    same, grams, questions = _known(windows), _grams(rows), _questions(rows)
    near = _near(asked, windows, policy)
    found = {}
    for item in asked:
        if _folded(item.messages) in same:
            found[item.item_id] = "exact"
        elif _by_grams(item, grams, questions):
            found[item.item_id] = "eight_grams"
        elif item.item_id in near:
            found[item.item_id] = "near_duplicate"
    return found


def holding(items: Iterable[Item], rows: Sequence[Talk], policy: Policy) -> dict[int, str]:
    """Return which rows hold an item and how, by the row's place: what no training may learn.

    The same three ways, but each row by itself: an item whose 8-grams are spread over many rows is
    found by `seen` alone, and taken out of its suite.
    """
    asked = list(items)
    if not asked or not rows:
        return {}
    lengths, same = {len(item.messages) for item in asked}, _known(i.messages for i in asked)
    parts = [(n, part) for n, row in enumerate(rows) for part in _windows([row], lengths)]
    windows = list({_words_of(part): part for _, part in parts}.values())
    near = {_words_of(windows[place]) for _, place in _alike(asked, windows, policy)}
    found: dict[int, str] = {}
    for n, part in parts:
        if _folded(part) in same:
            found[n] = "exact"
        elif _words_of(part) in near:
            found.setdefault(n, "near_duplicate")
    return found | {n: "eight_grams" for n in _by_row(asked, rows) if found.get(n) != "exact"}


def _by_row(items: Sequence[Item], rows: Sequence[Talk]) -> Iterator[int]:
    """Yield the places of rows that hold most of an item's 8-grams."""
    having: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for item in items:
        for gram in set(_grams_of(_text(item.messages))):
            having[gram].append(item)
    for n, row in enumerate(rows):
        grams = _grams([row])
        near = {item.item_id: item for gram in grams for item in having.get(gram, ())}
        if any(_by_grams(item, grams, _questions([row])) for item in near.values()):
            yield n


def _windows(rows: Sequence[Talk], lengths: set[int]) -> list[Talk]:
    """Return every run of messages of these lengths that ends in an answer, each once."""
    found: dict[tuple[str, ...], Talk] = {}
    for row in rows:
        for end in range(1, len(row) + 1):
            if row[end - 1]["role"] == "assistant":
                for size in lengths:
                    if size <= end:
                        part = row[end - size : end]
                        found.setdefault(_words_of(part), part)
    return list(found.values())


def _words_of(talk: Talk) -> tuple[str, ...]:
    return tuple(m["content"] for m in talk)


def _known(talks: Iterable[Talk]) -> set[tuple[str, ...]]:
    return {_folded(talk) for talk in talks}


def _folded(talk: Talk) -> tuple[str, ...]:
    return tuple(" ".join(_words(m["content"])) for m in talk)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower().replace("ё", "е"))


def _grams(talks: Iterable[Talk]) -> set[tuple[str, ...]]:
    return {gram for talk in talks for gram in _grams_of(_text(talk))}


def _text(talk: Talk) -> str:
    return "\n".join(m["content"] for m in talk)


def _grams_of(text: str) -> Iterator[tuple[str, ...]]:
    words = _words(text)
    return (tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1))


def _questions(talks: Iterable[Talk]) -> set[str]:
    said = (m["content"] for talk in talks for m in talk if m["role"] == "user")
    return {" ".join(_words(text)) for text in said}


def _by_grams(item: Item, grams: set[tuple[str, ...]], questions: set[str]) -> bool:
    whole = list(_grams_of(_text(item.messages)))
    if not whole or _share(whole, grams) < SHARE:
        return False
    question = item.prompt[-1]["content"] if item.prompt else ""
    own = list(_grams_of(question))
    return _share(own, grams) >= SHARE if own else " ".join(_words(question)) in questions


def _share(own: Sequence[tuple[str, ...]], grams: set[tuple[str, ...]]) -> float:
    return sum(gram in grams for gram in own) / len(own)


def _near(items: Sequence[Item], windows: Sequence[Talk], policy: Policy) -> set[str]:
    """Return the ids of items that one of the windows is by the sketches of cleaning."""
    return {items[place].item_id for place, _ in _alike(items, windows, policy)}


def _alike(
    items: Sequence[Item], windows: Sequence[Talk], policy: Policy
) -> Iterator[tuple[int, int]]:
    """Yield every place of an item and of a window that are one and the same."""
    from assets.cleaning import near_duplicates
    from assets.cleaning.minhash import PERMUTATIONS

    talks = [*windows, *(item.messages for item in items)]
    sketches, thresholds = _sketches(talks), near_duplicates.thresholds(policy)
    holders: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, bands in enumerate(sketches.bands[: len(windows)].tolist()):
        for band, key in enumerate(bands):
            holders[band, key].append(place)
    likeness = near_duplicates.settling().likeness
    compared = (sketches.values, sketches.letters, sketches.facts)
    for place in range(len(items)):
        own = len(windows) + place
        keys = enumerate(sketches.bands[own].tolist())
        for other in sorted({other for key in keys for other in holders.get(key, ())}):
            if likeness(own, other, thresholds, PERMUTATIONS, *compared) > 0:
                yield place, other


def _sketches(talks: Sequence[Talk]) -> Sketches:
    import pyarrow as pa

    from assets.cleaning import minhash

    asked = ["\n".join(m["content"] for m in t if m["role"] == "user") for t in talks]
    texts = [_text(talk) for talk in talks]
    return minhash.sketch(pa.array(texts, pa.large_string()), pa.array(asked, pa.large_string()))
