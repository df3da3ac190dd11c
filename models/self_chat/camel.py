"""Two roles and a task: one instructs, the other solves, until the task is done.

The task is made definite first.  A talk ends as in `role_playing_multiprocess.py` (camel-ai/camel
13dc7a7): with the word for done, after three messages without an instruction, when the solver
instructs, when an instruction comes again, or after `rounds`.  The marks of the protocol are taken
off what is kept: an assistant that learned them would speak so to people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from models.primer import prompts
from models.self_chat import Seed
from models.self_chat.stage import Draft, Stage

NO_INSTRUCTION = 3
"""Messages in a row without one that end a talk; the same file."""


@dataclass(slots=True)
class _Play:
    draft: Draft
    task: str = ""
    said: list[tuple[str, str]] = field(default_factory=list)
    idle: int = 0

    @property
    def on(self) -> bool:
        return not self.draft.over


def run(stage: Stage, seeds: Sequence[Seed], number: int) -> list[Draft]:
    """Return one play a seed; all go on side by side, a batch a message."""
    plays = [_Play(Draft(seed)) for seed in seeds]
    _specify(stage, plays, number)
    for turn in range(stage.plan.rounds + NO_INSTRUCTION):
        _instruct(stage, [p for p in plays if p.on], number + turn)
        _solve(stage, [p for p in plays if p.on and not p.idle], number + turn)
    return [play.draft for play in plays]


def _specify(stage: Stage, plays: list[_Play], number: int) -> None:
    asked = [stage.phrases.specify(play.draft.seed.topic) for play in plays]
    said = stage.say([p.draft for p in plays], asked, number=number)
    for play, task in zip(plays, said, strict=True):
        play.task = task.text.strip()
        if reason := stage.filters.turn(task):
            play.draft.refuse(f"task_{reason}")


def _instruct(stage: Stage, plays: list[_Play], number: int) -> None:
    views = [stage.phrases.instructing(play.task, play.said) for play in plays]
    said = stage.say([p.draft for p in plays], views, number=number)
    for play, message in zip(plays, said, strict=True):
        draft, text = play.draft, message.text.strip()
        instruction = after(prompts.INSTRUCTION, text)
        if text.startswith(prompts.TASK_DONE) or len(draft.turns) == 2 * stage.plan.rounds:
            draft.stop("done_at_once")
        elif reason := stage.filters.turn(message):
            draft.stop(f"question_{reason}")
        elif not instruction:
            play.idle += 1
            play.said += [("user", text), ("assistant", prompts.NEXT)]
            if play.idle == NO_INSTRUCTION:
                draft.stop("no_instruction")
        elif ("user", instruction) in draft.turns:
            draft.stop("question_repeated")
        else:
            play.idle, draft.asked = 0, instruction
            play.said.append(("user", text))


def _solve(stage: Stage, plays: list[_Play], number: int) -> None:
    views = [stage.phrases.solving(p.task, p.draft.seed.facts, p.said) for p in plays]
    said = stage.say([p.draft for p in plays], views, number=number, greedy=True)
    for play, message in zip(plays, said, strict=True):
        text = message.text.strip()
        play.said.append(("assistant", text))
        solution = after(prompts.SOLUTION, text).removesuffix(prompts.NEXT).strip()
        if prompts.INSTRUCTION in text:
            play.draft.stop("role_flip")
        elif not solution:
            play.draft.stop("no_solution")
        elif reason := stage.hears(play.draft, replace(message, text=solution)):
            play.draft.stop(reason)
        else:
            play.draft.turns += [("user", play.draft.asked), ("assistant", solution)]


def after(mark: str, text: str) -> str:
    """Return what follows a mark at the beginning of a message; empty if it is not there."""
    return text[len(mark) :].strip() if text.startswith(mark) else ""
