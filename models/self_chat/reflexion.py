"""A failed answer, the lesson of it in words, and another try with the last lessons in mind.

The answer can be checked: the person once gave it.  A try is reminded of it among other facts,
and may take the wrong one; after each failure fewer facts are called to mind.  What becomes a
dialogue is the failure told, the lesson, and the right answer; the wrong words stand in the
user's turn, so nobody learns to say them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.primer import prompts
from models.self_chat import Preference, Seed
from models.self_chat.filters import folded
from models.self_chat.stage import Draft, Stage, drawn, reminders

MEMORY = 3
"""Lessons kept in mind: noahshinn/reflexion 218cf0e keeps the last three."""
OTHERS = (3, 1, 0)
"""Facts beside the right one in the memory of the first try, the second and the later ones."""


@dataclass(slots=True)
class _Trial:
    draft: Draft
    failed: list[tuple[str, str]] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    right: bool = False
    unsound: str = ""

    @property
    def lessons(self) -> list[str]:
        return [lesson for _, lesson in self.failed[-MEMORY:]]


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one checked question a seed: kept where it was failed first and got right later."""
    trials = [_Trial(Draft(seed)) for seed in seeds]
    stage.reworded([trial.draft for trial in trials], number)
    for turn in range(stage.plan.trials):
        left = [trial for trial in trials if not trial.right]
        _remind(left, seeds, number + turn, OTHERS[min(turn, len(OTHERS) - 1)])
        _try(stage, left, number + turn)
    for trial in trials:
        _settle(stage, trial)
    return [trial.draft for trial in trials]


def _remind(trials: list[_Trial], seeds: Sequence[Seed], number: int, others: int) -> None:
    for trial in trials:
        seed = trial.draft.seed
        trial.facts = reminders(seeds, seed, drawn("reflexion", number, seed), others)


def _try(stage: Stage, trials: list[_Trial], number: int) -> None:
    views = [_view(stage, trial) for trial in trials]
    first = not any(trial.failed for trial in trials)
    said = stage.say([t.draft for t in trials], views, number=number, bold=first)
    missed = []
    for trial, answer in zip(trials, said, strict=True):
        text = answer.text.strip()
        trial.right = folded(text) == folded(trial.draft.seed.answer)
        if not trial.right:
            missed.append((trial, text or prompts.UNKNOWN))
    asked = [
        stage.phrases.reflection(t.draft.asked, text, t.lessons, t.facts) for t, text in missed
    ]
    lessons = stage.say([t.draft for t, _ in missed], asked, number=number, greedy=True)
    for (trial, text), lesson in zip(missed, lessons, strict=True):
        trial.failed.append((text, lesson.text.strip()))
        trial.unsound = stage.filters.lesson(lesson)


def _view(stage: Stage, trial: _Trial) -> list[dict[str, str]]:
    """Return the question, after a failure with the last failure and its lessons."""
    asked = trial.draft.asked
    if not trial.failed:
        return stage.phrases.reminded(trial.facts, [("user", asked)])
    text, lesson = trial.failed[-1]
    told = stage.phrases.reflection(asked, text, trial.lessons[:-1], trial.facts)
    return [*told, _said("assistant", lesson), _said("user", prompts.RETRY)]


def _settle(stage: Stage, trial: _Trial) -> None:
    draft = trial.draft
    if not trial.failed:
        draft.refuse("right_at_once")
    elif not trial.right:
        draft.refuse("never_right")
    elif trial.unsound:
        draft.refuse(f"lesson_{trial.unsound}")
    else:
        wrong, lesson = trial.failed[-1]
        asked = stage.phrases.reflection(draft.asked, wrong, trial.lessons[:-1], ())
        draft.turns = [
            ("user", asked[-1]["content"]),
            ("assistant", lesson),
            ("user", prompts.RETRY),
            ("assistant", draft.seed.answer),
        ]
        prompt = (("user", draft.asked),)
        draft.preferences.append(Preference(prompt, draft.seed.answer, wrong, "reflection"))


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
