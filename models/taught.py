"""What a person has taught, and what it outdates.

The base honestly says that it does not know where the keys are.  Once the person has told, that
answer is no longer right: repeated as replay it would unteach, and kept as an anchor it would
call learning forgetting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.primer import prompts
from models.self_chat.filters import aspects, folded, subjects

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taught:
    """The questions that got an answer: as words, and as what they are about."""

    questions: frozenset[str]
    about: tuple[tuple[frozenset[str], frozenset[str]], ...]

    @classmethod
    def by(cls, dialogues: Iterable[Sequence[Message]]) -> Taught:
        """Return what these dialogues answer."""
        asked = {q for messages in dialogues for q, answer in exchanges(messages) if answer}
        known = {(subjects(q), aspects(q)) for q in asked}
        about = sorted(known, key=lambda k: (sorted(k[0]), sorted(k[1])))
        return cls(frozenset(map(folded, asked)), tuple(k for k in about if k[0]))

    def answers(self, question: str) -> bool:
        """Return whether a question was answered: in these words, or on this matter.

        Two questions are on one matter if one's subjects are among the other's and both want to
        know the same of them, as far as their words say.
        """
        if folded(question) in self.questions:
            return True
        asked, wanted = subjects(question), aspects(question)
        return bool(asked) and any(
            (asked <= known or known <= asked) and (not wanted or not kinds or wanted & kinds)
            for known, kinds in self.about
        )

    def outdates(self, messages: Sequence[Message]) -> bool:
        """Return whether a dialogue still says "I do not know" to what was answered since."""
        unknown = folded(prompts.UNKNOWN)
        return any(
            folded(answer) == unknown and self.answers(question)
            for question, answer in exchanges(messages)
        )


def exchanges(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Return every question of the user with the assistant's answer right after it."""
    return [
        (first["content"], second["content"])
        for first, second in pairwise(messages)
        if (first["role"], second["role"]) == ("user", "assistant")
    ]
