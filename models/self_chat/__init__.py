"""The model talks: with itself, and over what it was told.  What it says is kept with a reason.

    two_role     one model plays both sides on a topic (Baize, arXiv 2304.01196; CAMEL roles,
                 arXiv 2303.17760); its assistant is reminded of the seed's answer, and what it
                 says is kept without the reminder (context distillation, arXiv 2112.00861)
    paraphrase   a person's question in other words with the person's own answer, if the model
                 gives that answer to the new words when it is reminded of it among others

Nothing vanishes: every dialogue that was begun comes back, kept or with the reason why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.backends import ChatModel

Turns = tuple[tuple[str, str], ...]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Seed:
    """A dialogue to start from: its id, its messages as (role, content), and its ancestry.

    `depth` is 0 for what a person said and one more for every generation after it.
    """

    dialogue_id: str
    messages: Turns
    depth: int = 0

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


@dataclass(frozen=True, slots=True)
class SelfChat:
    """One generated dialogue; `reason` is empty where it was kept."""

    messages: Turns
    method: str
    generator: str
    seed: int
    parent_dialogue_id: str
    ancestry_depth: int
    kept: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to talk: rounds of the two roles, paraphrases a seed, tokens a turn, at most so
    many seeds, chosen by `seed`."""

    seed: int = 0
    max_seeds: int = 200
    paraphrases: int = 2
    rounds: int = 2
    max_new_tokens: int = 48
    temperature: float = 0.7


def generate(
    model: ChatModel,
    seeds: Sequence[Seed],
    plan: Plan,
    progress: Progress | None = None,
    *,
    exam: Iterable[str] = (),
) -> list[SelfChat]:
    """Return every dialogue the model made from the seeds, kept or not; the same for one seed.

    `exam` holds the questions of the evaluation: a dialogue that hits on one is not kept, or
    the exam would soon measure what was learned by heart.
    """
    import random

    from models.self_chat import paraphrase, two_role
    from models.self_chat.filters import Filters

    ordered = sorted({s for s in seeds if s.question and s.answer}, key=lambda s: s.dialogue_id)
    rng = random.Random(f"self_chat/{plan.seed}")
    chosen = rng.sample(ordered, min(plan.max_seeds, len(ordered)))
    filters = Filters.over(ordered, exam)
    return [
        *paraphrase.run(model, chosen, plan, filters, progress),
        *two_role.run(model, chosen, plan, filters, progress),
    ]
