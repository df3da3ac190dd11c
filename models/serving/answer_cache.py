"""Answers given before, for the same question in the same or nearly the same words.

Nearly the same is narrow on purpose: the same word forms in any order, politeness left out, numbers
in their order, and a near vector.  Forms and not dictionary forms, for in Russian the endings say
who does what to whom: `кошка съела мышь` is not `мышь съела кошку`.

An answer belongs to its person, to the adapter that gave it, to the version of the person's
memories, and to everything said before it.  What is personal is never kept: a question in the
first or second person, or an answer for which something was remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.ids import json_id
from models.serving.newest import Newest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.encoders import Encoder

SIMILARITY = 0.6
"""Least cosine of the hashed encoder; on the pairs of `tests/benchmarks/answer_cache.py` word
orders of one sentence lie above it."""
POLITE = frozenset(
    [
        *("пожалуйста", "скажи", "скажите", "подскажи", "подскажите", "привет", "здравствуй"),
        *("ну", "а", "же"),
    ]
)
NUMERALS = frozenset(
    [
        *("ноль", "один", "одна", "одно", "два", "две", "три", "четыре", "пять", "шесть"),
        *("семь", "восемь", "девять", "десять"),
    ]
)
_WORD = re.compile(r"\w+")
Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given: its question's vector, its words, how it ended."""

    vector: NDArray[np.float32]
    text: str
    finish: str


@dataclass
class AnswerCache:
    """The newest `most` answers of one gateway; 0 keeps none.

    `personal` says whether a question is about the person who asks, or about the assistant.
    """

    encoder: Encoder
    personal: Callable[[str], bool]
    most: int = 0
    kept: Newest[tuple[str, str], Kept] = field(init=False)
    hits: int = 0
    misses: int = 0

    def __post_init__(self) -> None:
        self.kept = Newest(self.most)

    def find(self, scope: str, messages: Messages) -> Kept | None:
        """Return the answer to the last message, or to the same in nearly the same words."""
        question = self._question(messages)
        if not self.most or not question:
            return None
        key = (scope, key_of(question))
        found = self.kept.get(key)
        if found is not None and float(found.vector @ self._vector(question)) >= SIMILARITY:
            self.kept.move_to_end(key)
            self.hits += 1
            return found
        self.misses += 1
        return None

    def keep(self, scope: str, messages: Messages, text: str, finish: str) -> None:
        """Keep an answer, unless it is personal, empty or cut."""
        question = self._question(messages)
        if self.most and question and text and finish == "stop":
            answer = Kept(self._vector(question), text, finish)
            self.kept.put((scope, key_of(question)), answer)

    def _question(self, messages: Messages) -> str:
        """Return the last message where its answer may be kept, or an empty string."""
        text = str(messages[-1].get("content") or "")
        return "" if messages[-1]["role"] != "user" or self.personal(text) else text

    def _vector(self, question: str) -> NDArray[np.float32]:
        (vector,) = self.encoder.encode([question])
        return vector


def scope_of(
    user_id: str, adapter: str, memory: str, messages: Messages, drawn: Mapping[str, Any]
) -> str:
    """Return what an answer belongs to besides its question.

    `memory` is the version of the person's memories, `drawn` how the answer is drawn.
    """
    before = [[m["role"], m.get("content") or ""] for m in messages[:-1]]
    return json_id([user_id, adapter, memory, before, dict(sorted(drawn.items()))])


def key_of(question: str) -> str:
    """Return what two questions in nearly the same words share."""
    words = [w.lower().replace("ё", "е") for w in _WORD.findall(question)]
    words = [word for word in words if word not in POLITE]
    numbers = [word for word in words if word.isdigit() or word in NUMERALS]
    return " ".join([*sorted(words), "|", *numbers])
