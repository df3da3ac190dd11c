"""A character of a card answers a curious user; its system message is kept with the talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.self_chat import Seed
from models.self_chat.cards import Card, cards
from models.self_chat.stage import Draft, Stage, drawn, going_on


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one talk a seed, with a card drawn for it."""
    drafts = [Draft(seed) for seed in seeds]
    chosen = [drawn("persona", number, seed).choice(cards()) for seed in seeds]
    who = {id(draft): card for draft, card in zip(drafts, chosen, strict=True)}
    for turn in range(stage.plan.rounds):
        stage.ask(going_on(drafts), number + turn)
        on = going_on(drafts)
        _answer(stage, [(draft, who[id(draft)]) for draft in on], number + turn)
    for draft, card in zip(drafts, chosen, strict=True):
        if draft.turns:
            system = stage.phrases.persona(card, (), ())[0]["content"]
            draft.turns.insert(0, ("system", system))
    return drafts


def _answer(stage: Stage, cast: list[tuple[Draft, Card]], number: int) -> None:
    drafts = [draft for draft, _ in cast]
    views = [
        stage.phrases.persona(card, d.seed.facts, [*d.turns, ("user", d.asked)]) for d, card in cast
    ]
    said = stage.say(drafts, views, number=number, greedy=True)
    for (draft, card), answer in zip(cast, said, strict=True):
        text = answer.text.strip()
        if not text.startswith(card.saying):
            draft.stop("out_of_character")
            continue
        bare = text.removeprefix(card.saying).strip()
        if reason := stage.hears(draft, replace(answer, text=bare)):
            draft.stop(reason)
        else:
            draft.turns += [("user", draft.asked), ("assistant", text)]
