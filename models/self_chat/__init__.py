"""The model talks: with itself, over what it was told, and over its own mistakes.

One method a file; each begins drafts from seeds, and what becomes of a draft is said with a
reason.  Methods draw new words, not new truths: `filters` keep what a person once answered.

    paraphrase       a person's question in other words, with the person's own answer
    baize_one_call   both sides of a talk written in one answer (Baize, arXiv 2304.01196)
    baize_two_call   one model plays both sides in turn, each under its own system message
    camel            two roles and a task, until it is done (CAMEL, arXiv 2303.17760)
    constitution     an answer, its critique by a drawn principle, its revision (arXiv 2212.08073)
    reflexion        a failed answer, a lesson in words, another try (arXiv 2303.11366)
    distillation     several answers, the best of them by a judge (Baize's SDF)
    personas         a character of a card answers

Nothing vanishes: every dialogue that was begun comes back, kept or with the reason why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

Turns = tuple[tuple[str, str], ...]
Origin = Literal["critique", "judge", "reflection"]
METHODS = (
    *("paraphrase", "baize_one_call", "baize_two_call", "camel"),
    *("constitution", "reflexion", "distillation", "personas"),
)
"""Every method, in the order they run; each is the module of its name."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A dialogue to start from: its id, its messages as (role, content), and its ancestry.

    `depth` is 0 for what a person said and one more for every generation after it.  What the
    base was schooled in it need not be reminded of: `told` is False there.
    """

    dialogue_id: str
    messages: Turns
    depth: int = 0
    told: bool = True

    @property
    def question(self) -> str:
        """Return the last question that got an answer; thanks and farewells are none."""
        return self._exchange()[0]

    @property
    def answer(self) -> str:
        """Return the answer to `question`."""
        return self._exchange()[1]

    def _exchange(self) -> tuple[str, str]:
        pairs = reversed(list(pairwise(self.messages)))
        for (asker, asked), (teller, told) in pairs:
            if (asker, teller) == ("user", "assistant") and not asked.rstrip().endswith("!"):
                return asked, told
        return "", ""

    @property
    def fact(self) -> str:
        """Return the answer as a fact to be reminded of: no capital and no full stop."""
        bare = self.answer.strip().rstrip(".!")
        return bare[:1].lower() + bare[1:]

    @property
    def facts(self) -> list[str]:
        """Return what a model must be reminded of to answer: the fact, or nothing."""
        return [self.fact] if self.told else []

    @property
    def topic(self) -> str:
        """Return the question as a topic: without its mark, and with a small first letter."""
        bare = self.question.strip().rstrip("?!.… ")
        return bare[:1].lower() + bare[1:]


@dataclass(frozen=True, slots=True)
class Preference:
    """One (prompt, chosen, rejected) that a method found, and how."""

    prompt: Turns
    chosen: str
    rejected: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class SelfChat:
    """One generated dialogue; `reason` is empty where it was kept.

    `tokens` are those written for it, by its judge too, prompts left out; `seconds` its share of
    its batches, and its judge's.  `scores` may hold `nats`, a token of the assistant's words under
    the generator, and `judge`, -1 to 1: how far a judge preferred what was kept.
    """

    messages: Turns
    method: str
    generator: str
    seed: int
    parents: tuple[str, ...]
    ancestry_depth: int
    reason: str = ""
    principle: str = ""
    judge: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    preferences: tuple[Preference, ...] = ()
    tokens: int = 0
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        """Return whether the filters let it through."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to talk, and how: which methods with how many draws of every seed.

    At most `max_seeds` seeds are taken, chosen by `seed`; `rounds` are of two roles, `revisions`
    of a critique, `trials` of a checkable answer, `samples` of one question for a judge.
    `boldness` is the temperature of answers that are to be criticised, checked or judged: where
    every answer is the best one, there is nothing to learn from.
    `depth` is that of what the generator itself has learned from: 0 where all of it was people's.
    `max_tokens` and `max_seconds` above 0 end a run once so much was written or has gone by.
    """

    seed: int = 0
    max_seeds: int = 200
    draws: Mapping[str, int] = field(default_factory=lambda: {"paraphrase": 2, "baize_two_call": 1})
    rounds: int = 2
    revisions: int = 2
    trials: int = 3
    samples: int = 4
    max_new_tokens: int = 48
    temperature: float = 0.7
    boldness: float = 1.1
    depth: int = 0
    max_tokens: int = 0
    max_seconds: float = 0.0
