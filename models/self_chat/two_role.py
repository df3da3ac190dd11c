"""One model on both sides of a talk: a curious user with a topic, and the assistant.

The user's side sees the talk with the roles swapped, under the system message of the primer's
`user_side` format; the assistant's side is reminded of what the person answered.  A talk ends
when the user thanks, repeats a question, or after `rounds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.backends import ChatModel
from models.primer import prompts
from models.self_chat import Plan, Progress, Seed, SelfChat, Turns
from models.self_chat.filters import Filters, subjects

METHOD = "two_role"


@dataclass(slots=True)
class _Talk:
    seed: Seed
    turns: list[tuple[str, str]] = field(default_factory=list)
    asked: str = ""
    reason: str = ""
    over: bool = False

    @property
    def topic(self) -> frozenset[str]:
        return subjects(f"{self.seed.question} {self.seed.answer}")

    def users_view(self) -> list[dict[str, str]]:
        swapped = {"user": "assistant", "assistant": "user"}
        start = [
            {"role": "system", "content": prompts.asking(topic_of(self.seed.question))},
            {"role": "user", "content": prompts.BEGIN},
        ]
        return start + [{"role": swapped[role], "content": c} for role, c in self.turns]

    def assistants_view(self) -> list[dict[str, str]]:
        reminder = ("system", prompts.memory([self.seed.fact]))
        said = [reminder, *self.turns, ("user", self.asked)]
        return [{"role": role, "content": content} for role, content in said]

    def stop(self, reason: str) -> None:
        self.over = True
        self.reason = self.reason or ("" if self.turns else reason)


def topic_of(question: str) -> str:
    """Return a question as a topic: without its mark, and with a small first letter."""
    bare = question.strip().rstrip("?!.… ")
    return bare[:1].lower() + bare[1:]


def run(
    model: ChatModel,
    seeds: Sequence[Seed],
    plan: Plan,
    filters: Filters,
    progress: Progress | None = None,
) -> list[SelfChat]:
    """Return one talk a seed; all talks go on side by side, a batch a turn."""
    talks = [_Talk(seed) for seed in seeds]
    for turn in range(plan.rounds):
        number = plan.seed + turn
        _ask(model, [t for t in talks if not t.over], plan, filters, number)
        _answer(model, [t for t in talks if not t.over], plan, filters)
        if progress:
            progress(METHOD, turn + 1, plan.rounds)
    return [_judged(model.model_id, talk, plan.seed, filters) for talk in talks]


def _ask(model: ChatModel, talks: list[_Talk], plan: Plan, filters: Filters, number: int) -> None:
    said = model.generate(
        [talk.users_view() for talk in talks],
        max_new_tokens=plan.max_new_tokens,
        temperature=plan.temperature,
        seed=number,
    )
    for talk, question in zip(talks, said, strict=True):
        talk.asked = question.text.strip()
        if reason := filters.turn(question):
            talk.stop(f"question_{reason}")
        elif talk.asked == prompts.THANKS:
            talk.stop("no_question")
        elif ("user", talk.asked) in talk.turns:
            talk.stop("question_repeated")


def _answer(model: ChatModel, talks: list[_Talk], plan: Plan, filters: Filters) -> None:
    said = model.generate(
        [talk.assistants_view() for talk in talks], max_new_tokens=plan.max_new_tokens
    )
    for talk, answer in zip(talks, said, strict=True):
        text = answer.text.strip()
        reason = filters.turn(answer) or filters.exchange(talk.asked, text, talk.topic)
        if reason:
            talk.stop(reason)
        else:
            talk.turns += [("user", talk.asked), ("assistant", text)]


def _judged(generator: str, talk: _Talk, number: int, filters: Filters) -> SelfChat:
    turns: Turns = tuple(talk.turns)
    reason = talk.reason or filters.dialogue(turns)
    shown = turns or ((("user", talk.asked),) if talk.asked else ())
    seed = talk.seed
    depth = seed.depth + 1
    return SelfChat(shown, METHOD, generator, number, seed.dialogue_id, depth, not reason, reason)
