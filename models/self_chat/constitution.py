"""An answer, its critique by a principle drawn at random, and its revision, some rounds of it.

The last revision becomes a dialogue, and (revision over first answer) a preference, as in the
two stages of Constitutional AI (arXiv 2212.08073).  The critic remembers what the person said;
the answer was given without that, so there is something to criticise.  A judge, where there is
another model for it, compares both in both orders and may overrule the revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.backends import Generation
from models.self_chat import Preference, Seed
from models.self_chat.comparison import both_orders
from models.self_chat.principles import Principle
from models.self_chat.stage import Draft, Stage, drawn


@dataclass(slots=True)
class _Trial:
    draft: Draft
    answer: Generation
    first: str = ""
    names: tuple[str, ...] = ()


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one revised answer a seed, asked in other words where such were found."""
    drafts = [Draft(seed) for seed in seeds]
    stage.reworded(drafts, number)
    asked = [[{"role": "user", "content": draft.asked}] for draft in drafts]
    said = stage.say(drafts, asked, number=number, bold=True)
    trials = [_Trial(d, s, s.text.strip()) for d, s in zip(drafts, said, strict=True)]
    for turn in range(stage.plan.revisions):
        _revise(stage, trials, number, turn)
    for trial in trials:
        _settle(stage, trial)
    return drafts


def _revise(stage: Stage, trials: Sequence[_Trial], number: int, turn: int) -> None:
    known = stage.phrases.principles()
    chosen = [
        drawn(f"principle/{turn}", number, trial.draft.seed).choice(known) for trial in trials
    ]
    critiques = [_critique(stage, t, p) for t, p in zip(trials, chosen, strict=True)]
    drafts = [trial.draft for trial in trials]
    said = stage.say(drafts, critiques, number=number + turn, greedy=True)
    flawed = [
        (trial, principle, stage.phrases.revision(principle, critique, text.text.strip()))
        for trial, principle, critique, text in zip(trials, chosen, critiques, said, strict=True)
        if not stage.phrases.is_content(text.text)
    ]
    requests = [request for _, _, request in flawed]
    mended = stage.say([t.draft for t, _, _ in flawed], requests, number=number + turn, greedy=True)
    for (trial, principle, _), answer in zip(flawed, mended, strict=True):
        trial.answer = answer
        trial.names += (principle.name,)


def _critique(stage: Stage, trial: _Trial, principle: Principle) -> list[dict[str, str]]:
    draft = trial.draft
    answer = trial.answer.text.strip()
    return stage.phrases.critique(principle, draft.asked, answer, draft.seed.facts)


def _settle(stage: Stage, trial: _Trial) -> None:
    draft, final = trial.draft, trial.answer.text.strip()
    draft.principle = " ".join(trial.names)
    if not trial.names:
        draft.refuse("nothing_to_mend")
    elif final == trial.first:
        draft.refuse("unchanged")
    elif reason := stage.hears(draft, replace(trial.answer, text=final)):
        draft.refuse(reason)
    elif both_orders(stage, draft, final, trial.first) < 0:
        draft.refuse("judge_disagrees")
    if not draft.reason:
        draft.turns = [("user", draft.asked), ("assistant", final)]
        prompt = (("user", draft.asked),)
        draft.preferences.append(Preference(prompt, final, trial.first, "critique"))
