"""The model talks: with itself, and over what it was told.  What it says is kept with a reason.

    two_role     one model plays both sides on a topic (Baize, arXiv 2304.01196; CAMEL roles,
                 arXiv 2303.17760)
    paraphrase   a person's question in other words, answered by the person's own dialogue

Nothing vanishes: every dialogue that was begun comes back, kept or with the reason why not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        """Return what the user said last."""
        return next((c for role, c in reversed(self.messages) if role == "user"), "")

    @property
    def answer(self) -> str:
        """Return what the assistant said last."""
        return next((c for role, c in reversed(self.messages) if role == "assistant"), "")


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
    model: ChatModel, seeds: Sequence[Seed], plan: Plan, progress: Progress | None = None
) -> list[SelfChat]:
    """Return every dialogue the model made from the seeds, kept or not; the same for one seed."""
    import random

    from models.self_chat import paraphrase, two_role
    from models.self_chat.filters import Filters

    ordered = sorted({s for s in seeds if s.question and s.answer}, key=lambda s: s.dialogue_id)
    rng = random.Random(f"self_chat/{plan.seed}")
    chosen = rng.sample(ordered, min(plan.max_seeds, len(ordered)))
    filters = Filters.over(ordered)
    return [
        *paraphrase.run(model, chosen, plan, filters, progress),
        *two_role.run(model, chosen, plan, filters, progress),
    ]
