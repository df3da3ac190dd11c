"""What every method works with: the model, its phrases, the rules, and drafts that keep count."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.backends import ChatModel, Generation
from models.evaluation.pairwise import Judge
from models.primer import prompts
from models.self_chat import Plan, Preference, Seed, SelfChat, Turns
from models.self_chat.filters import Filters, subjects
from models.self_chat.phrases import Messages, Phrases


@dataclass(slots=True)
class Draft:
    """A dialogue on its way: its turns, why it will not be kept, and what it has cost."""

    seed: Seed
    turns: list[tuple[str, str]] = field(default_factory=list)
    reason: str = ""
    over: bool = False
    asked: str = ""
    principle: str = ""
    judge: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    preferences: list[Preference] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0

    @property
    def topic(self) -> frozenset[str]:
        """Return the nouns that the seed is about."""
        return subjects(f"{self.seed.question} {self.seed.answer}")

    def stop(self, reason: str) -> None:
        """End the talk; it is lost only if nothing sound was said before."""
        self.over = True
        self.reason = self.reason or ("" if self.turns else reason)

    def refuse(self, reason: str) -> None:
        """End the talk and do not keep it."""
        self.over = True
        self.reason = self.reason or reason

    def done(self, method: str, generator: str, number: int, depth: int) -> SelfChat:
        """Return the dialogue as it is; a question without an answer is shown, not kept."""
        shown: Turns = tuple(self.turns) or ((("user", self.asked),) if self.asked else ())
        return SelfChat(
            messages=shown,
            method=method,
            generator=generator,
            seed=number,
            parents=(self.seed.dialogue_id,),
            ancestry_depth=1 + max(self.seed.depth, depth),
            reason=self.reason or ("" if len(shown) > 1 else "too_short"),
            principle=self.principle,
            judge=self.judge,
            scores=self.scores,
            preferences=tuple(self.preferences),
            tokens=self.tokens,
            seconds=self.seconds,
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """Who talks, in which words, by which rules; `judge` is another model, or nobody."""

    model: ChatModel
    phrases: Phrases
    plan: Plan
    filters: Filters
    judge: Judge | None = None

    def say(
        self,
        drafts: Sequence[Draft],
        conversations: Sequence[Messages],
        *,
        number: int,
        greedy: bool = False,
        bold: bool = False,
        turns: int = 1,
    ) -> list[Generation]:
        """Return the next turn of each draft's conversation, and bill the drafts for it."""
        if not drafts:
            return []
        usual = self.plan.boldness if bold else self.plan.temperature
        said = self.model.generate(
            conversations,
            max_new_tokens=self.plan.max_new_tokens * turns,
            temperature=0.0 if greedy else usual,
            seed=number,
        )
        for draft, answer in zip(drafts, said, strict=True):
            draft.tokens += answer.tokens
            draft.seconds += answer.seconds
        return said

    def reworded(self, drafts: Sequence[Draft], number: int) -> None:
        """Set what each draft asks: its seed's question in other words, or as it is."""
        asked = [self.phrases.paraphrase(draft.seed.question) for draft in drafts]
        for draft, said in zip(drafts, self.say(drafts, asked, number=number), strict=True):
            reason = self.filters.reworded(draft.seed.question, said)
            draft.asked = draft.seed.question if reason else said.text.strip()

    def ask(self, drafts: Sequence[Draft], number: int) -> None:
        """Let the user's side ask each draft's next question, or end the talk."""
        views = [self.phrases.asking(draft.seed.topic, draft.turns) for draft in drafts]
        for draft, said in zip(drafts, self.say(drafts, views, number=number), strict=True):
            draft.asked = said.text.strip()
            if reason := self.filters.turn(said):
                draft.stop(f"question_{reason}")
            elif draft.asked == prompts.THANKS:
                draft.stop("no_question")
            elif ("user", draft.asked) in draft.turns:
                draft.stop("question_repeated")

    def hears(self, draft: Draft, answer: Generation) -> str:
        """Return why an answer to what the draft asks cannot be kept, or an empty string."""
        return self.filters.turn(answer) or self.filters.exchange(
            draft.asked, answer.text.strip(), draft.topic
        )


def going_on(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts that are not over."""
    return [draft for draft in drafts if not draft.over]


def drawn(method: str, number: int, seed: Seed) -> random.Random:
    """Return the chance of one draft: the same whatever else runs beside it."""
    return random.Random(f"{method}/{number}/{seed.dialogue_id}")


def reminders(seeds: Sequence[Seed], seed: Seed, chance: random.Random, others: int) -> list[str]:
    """Return the seed's fact among those of some other seeds, in an order of its own.

    Nothing where the seed is what the base was schooled in.
    """
    if not seed.told:
        return []
    rest = [s for s in seeds if s.told and s.answer != seed.answer]
    facts = [seed.fact, *(s.fact for s in chance.sample(rest, min(others, len(rest))))]
    return chance.sample(facts, len(facts))
