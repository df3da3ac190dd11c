"""Signs of a network gone wrong, read from its answers: no reference is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.backends import Generation
from models.evaluation import Result, Score
from models.evaluation.statistics import wilson

SUITE = "health"
NGRAM = 4
"""Words a repeated span has: seq-rep-4 of Welleck et al. 2019, arXiv 1908.04319."""


MIXED = re.compile(r"[^\W\d_]*(?:[а-яё][a-z]|[a-z][а-яё])[^\W\d_]*", re.IGNORECASE)
"""A word of two alphabets, as «шлифуяConsistencyи» in an export of ChatGPT's."""
LONGER = 4
SPARE = 100
"""Ours: over 4 times its reference and 100 characters more, an answer answers something else."""


def measure(
    answers: Sequence[Generation], references: Sequence[str] = (), *, seconds: float = 0.0
) -> Result:
    """Return the health of a set of answers, every share between 0 and 1.

    `empty` nothing said; `unfinished` cut by the token limit; `stopped` its complement;
    `too_long` far longer than the reference, where there is one; `repetition` the mean share of
    word 4-grams said before in the same answer; `distinct_1` and `distinct_2` different words and
    word pairs of all (Li et al. 2016, arXiv 1510.03055); `longest_repeat` the largest share of an
    answer that one repeated span fills; `cyrillic` of all letters; `mixed_script` of all words.
    `seconds_per_token` is the only figure that differs from one run to the next: it decides
    nothing.
    """
    if not answers:
        return Result(())
    texts = [answer.text.strip() for answer in answers]
    cut = sum(answer.finish != "stop" for answer in answers)
    spoken = [text for text in texts if text]
    means = {
        "repetition": _mean([repetition(text) for text in spoken]),
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "longest_repeat": max((longest_repeat(text) for text in spoken), default=0.0),
        "cyrillic": cyrillic(" ".join(texts)),
        "mixed_script": mixed_script(" ".join(texts)),
        "seconds_per_token": seconds / max(1, sum(answer.tokens for answer in answers)),
    }
    long = sum(_is_too_long(t, r) for t, r in zip(texts, references, strict=False))
    shares = {
        "empty": len(texts) - len(spoken),
        "unfinished": cut,
        "stopped": len(texts) - cut,
        "too_long": long,
    }
    scores = [_share(metric, count, len(texts)) for metric, count in shares.items()]
    scores += [Score(SUITE, metric, x, x, x, len(texts)) for metric, x in means.items()]
    return Result(tuple(scores))


def _share(metric: str, count: int, n: int) -> Score:
    share = wilson(count, n)
    return Score(SUITE, metric, share.value, share.low, share.high, n)


def _is_too_long(text: str, reference: str) -> bool:
    return len(text) > LONGER * len(reference) + SPARE


def mixed_script(text: str) -> float:
    """Return the share of words that mix Cyrillic and Latin letters."""
    return len(MIXED.findall(text)) / max(1, len(text.split()))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def repetition(text: str) -> float:
    """Return the share of word 4-grams that were said before in the same text."""
    words = text.split()
    spans = [tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)]
    return 1 - len(set(spans)) / len(spans) if spans else 0.0


def distinct(texts: Sequence[str], n: int) -> float:
    """Return the share of different word n-grams among all of them."""
    spans = [tuple(w[i : i + n]) for t in texts for w in [t.split()] for i in range(len(w) - n + 1)]
    return len(set(spans)) / len(spans) if spans else 1.0


def longest_repeat(text: str) -> float:
    """Return the length of the longest span that occurs twice without overlap, over the text's.

    A span of that length exists if one of any smaller length does, so it is found by bisection.
    """
    low, high = 0, len(text) // 2
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _occurs_twice(text, middle) else (low, middle - 1)
    return low / len(text) if text else 0.0


def _occurs_twice(text: str, length: int) -> bool:
    first: dict[str, int] = {}
    for start in range(len(text) - length + 1):
        if start - first.setdefault(text[start : start + length], start) >= length:
            return True
    return False


def cyrillic(text: str) -> float:
    """Return the share of letters that are Cyrillic; 1 where there are none."""
    letters = [c for c in text if c.isalpha()]
    return sum("Ѐ" <= c <= "ӿ" for c in letters) / len(letters) if letters else 1.0
