"""Answers that go round in circles: thresholds of Gopher's quality filter, and endless runs.

Gopher (Rae et al. 2021, "Scaling Language Models", table A1) drops documents by the share of their
characters in duplicate lines, in the most frequent n-gram, and in n-grams that stood before.  Its
filter was made for web pages of 50 words and more.  Of 496 Russian messages of that length from
Saiga and OASST its thirteen criteria object to 45, most of them honest lists.  Here an answer has
100 Russian words at least, and zlib must make it four times smaller: Whisper's sign of a loop
(Radford et al. 2022: 2.4, for English; the median of those messages is 2.9).  That leaves eight
answers, six of which go in circles («плохой, плохой, плохой»).  N-grams of 5 to 9 words and the
number of lines are left out: honest lists and JSON repeat them.  Code and tables do not count.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence

from assets.cleaning.policy import Policy
from assets.cleaning.prose import prose
from lake.schemas import Message

SHORTEST = 50  # Gopher's own lower bound of words; `min_repetition_words` may not be less
GATE = f"(?s:^.{{{2 * SHORTEST - 1}}})"  # so many words are not shorter
_WORD = re.compile("[а-яё]+")

# FastChat's `--reduce-rep` drops a digit said nine times, a billion (1000000000) and a third
# (0.333333333) among them; here zeros and decimals are free, and a number may have the sixteen
# digits of a card.  The longest scream in 252,494 lines of anecdotes has 52 letters.
RUNS = r"\S{64}|" + "|".join(f"{digit}{{17}}" for digit in range(1, 10))
_RUN = re.compile(r"(\w)\1{63}|(?<![\d.,])([1-9])\2{16}")


def repetition(message: Message, policy: Policy) -> str | None:
    """No long answer says the same again and again."""
    if message.role != "assistant":
        return None
    lines = [line.strip() for line in prose(message.content).lower().split("\n")]
    spoken = [line for line in lines if not line.startswith("|")]
    words = _WORD.findall("\n".join(spoken))
    if len(words) < policy.min_repetition_words or shrinks(words) < policy.min_shrinking:
        return None
    if repeated_share(spoken) > policy.max_repeated_lines:
        return "repeated_lines"
    if _is_dominated(words, policy.max_top_ngrams):
        return "repeated_phrase"
    return "repeated_spans" if spans_share(words) > policy.max_repeated_spans else None


def runs(message: Message, _policy: Policy) -> str | None:
    """No answer holds one sign without end."""
    is_endless = message.role == "assistant" and _RUN.search(prose(message.content))
    return "endless_run" if is_endless else None


def shrinks(words: Sequence[str]) -> float:
    """Return how many times smaller zlib makes a text of these words."""
    said = " ".join(words).encode()
    return len(said) / len(zlib.compress(said))


def repeated_share(lines: Sequence[str]) -> float:
    """Return the share of characters in lines that stood before."""
    counts = Counter(lines)
    repeated = sum((count - 1) * len(line) for line, count in counts.items())
    return repeated / max(sum(map(len, lines)), 1)


def top_share(words: Sequence[str], n: int) -> float:
    """Return the share of characters in the n-gram that takes the most; 0 if none is repeated."""
    counts = Counter(_ngrams(words, n))
    taken = (count * sum(map(len, gram)) for gram, count in counts.items() if count > 1)
    return max(taken, default=0) / sum(map(len, words))


def spans_share(words: Sequence[str], n: int = 10) -> float:
    """Return the share of characters in n-grams that stood before, each character once."""
    grams = list(_ngrams(words, n))
    if len(set(grams)) == len(grams):
        return 0.0
    seen: set[tuple[str, ...]] = set()
    repeated: set[int] = set()
    for start, gram in enumerate(grams):
        if gram in seen:
            repeated.update(range(start, start + n))
        seen.add(gram)
    return sum(len(words[place]) for place in repeated) / sum(map(len, words))


def _is_dominated(words: Sequence[str], limits: Sequence[float]) -> bool:
    """Say whether the top 2-, 3- or 4-gram takes more than its limit."""
    pairs = top_share(words, 2)
    # A longer n-gram holds a pair of at least half its length, said at least as often.
    if pairs <= min(limits) / 2:
        return False
    shares = (pairs, top_share(words, 3), top_share(words, 4))
    return any(share > limit for share, limit in zip(shares, limits, strict=True))


def _ngrams(words: Sequence[str], n: int) -> zip[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(n)), strict=False)
