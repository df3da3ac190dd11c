"""In which words a model is asked: the primer's for a base grown from it, files for any other.

The embedded base has met every format under the primer's exact words (`models.primer.prompts`);
a model from elsewhere is told what to do in sentences, `prompts/*.toml`, our own wording of the
published prompts that each file names.  The marks that parsers look for are the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from models import prompt_files
from models.primer import prompts
from models.self_chat.cards import Card
from models.self_chat.principles import Principle, principles, schooled

FOLDER = Path(__file__).with_name("prompts")
Messages = list[dict[str, str]]
Said = Sequence[tuple[str, str]]


class Phrases(Protocol):
    """How to ask for each thing; every method returns a conversation to be answered."""

    def paraphrase(self, question: str) -> Messages:
        """Ask for a question in other words."""

    def reminded(self, facts: Sequence[str], said: Said) -> Messages:
        """Go on with a talk, remembering facts."""

    def asking(self, topic: str, said: Said) -> Messages:
        """Play the user's side; `said` has the roles as they are."""

    def transcript(self, topic: str, facts: Sequence[str]) -> Messages:
        """Write both sides at once."""

    def specify(self, task: str) -> Messages:
        """Make a task definite."""

    def instructing(self, task: str, said: Said) -> Messages:
        """Play the one who instructs; `said` has the roles as they are, with marks."""

    def solving(self, task: str, facts: Sequence[str], said: Said) -> Messages:
        """Play the one who solves."""

    def principles(self) -> tuple[Principle, ...]:
        """Return the principles that the model understands."""

    def critique(
        self, principle: Principle, question: str, answer: str, facts: Sequence[str]
    ) -> Messages:
        """Assess an answer by a principle."""

    def revision(self, principle: Principle, critique: Messages, assessment: str, /) -> Messages:
        """Give a better answer after the assessment."""

    def is_content(self, assessment: str) -> bool:
        """Return whether an assessment found nothing to mend."""

    def reflection(
        self, question: str, answer: str, lessons: Sequence[str], facts: Sequence[str], /
    ) -> Messages:
        """Draw a lesson from a failed answer; `lessons` are the earlier ones."""

    def persona(self, card: Card, facts: Sequence[str], said: Said) -> Messages:
        """Answer as a character."""


class PrimerPhrases:
    """The words of the embedded base's schooling."""

    def paraphrase(self, question: str) -> Messages:
        return [_user(prompts.paraphrase(question))]

    def reminded(self, facts: Sequence[str], said: Said) -> Messages:
        return [*_remembered(facts), *_as_said(said)]

    def asking(self, topic: str, said: Said) -> Messages:
        return [_system(prompts.asking(topic)), _user(prompts.BEGIN), *_swapped(said)]

    def transcript(self, topic: str, facts: Sequence[str]) -> Messages:
        return [*_remembered(facts), _user(prompts.transcript(topic))]

    def specify(self, task: str) -> Messages:
        return [_user(prompts.specify(task))]

    def instructing(self, task: str, said: Said) -> Messages:
        return [_system(prompts.instructing(task)), _user(prompts.BEGIN), *_swapped(said)]

    def solving(self, task: str, facts: Sequence[str], said: Said) -> Messages:
        return [_system(prompts.solving(task, facts)), *_as_said(said)]

    def principles(self) -> tuple[Principle, ...]:
        return schooled()

    def critique(
        self, principle: Principle, question: str, answer: str, facts: Sequence[str]
    ) -> Messages:
        system = prompts.critic(principle.primer, facts)
        return [_system(system), _user(prompts.critique(question, answer))]

    def revision(self, _principle: Principle, critique: Messages, assessment: str) -> Messages:
        return [*critique, _assistant(assessment), _user(prompts.REVISE)]

    def is_content(self, assessment: str) -> bool:
        return assessment.strip().startswith("Хорошо")

    def reflection(
        self, question: str, answer: str, _lessons: Sequence[str], facts: Sequence[str]
    ) -> Messages:
        return [*_remembered(facts), _user(prompts.reflection(question, answer, "Неверно."))]

    def persona(self, card: Card, facts: Sequence[str], said: Said) -> Messages:
        return [_system(prompts.persona(card.name, card.saying, facts)), *_as_said(said)]


@dataclass(frozen=True, slots=True)
class WrittenPhrases:
    """Sentences for a model that follows instructions: `prompts/<method>.toml`, by its keys."""

    def paraphrase(self, question: str) -> Messages:
        return [_user(_written("paraphrase", "request", question=question))]

    def reminded(self, facts: Sequence[str], said: Said) -> Messages:
        system = _written("memory", "system", facts=_listed(facts))
        return [*([_system(system)] if facts else []), *_as_said(said)]

    def asking(self, topic: str, said: Said) -> Messages:
        system = _written("baize", "user_side", topic=topic, thanks=prompts.THANKS)
        return [_system(system), _user(prompts.BEGIN), *_swapped(said)]

    def transcript(self, topic: str, facts: Sequence[str]) -> Messages:
        marks = {"user": prompts.USER_TAG, "assistant": prompts.ASSISTANT_TAG}
        return [_user(_written("baize", "one_call", topic=topic, facts=_listed(facts), **marks))]

    def specify(self, task: str) -> Messages:
        return [_user(_written("camel", "specify", task=task))]

    def instructing(self, task: str, said: Said) -> Messages:
        marks = {"instruction": prompts.INSTRUCTION, "done": prompts.TASK_DONE}
        system = _written("camel", "user_side", task=task, **marks)
        return [_system(system), _user(prompts.BEGIN), *_swapped(said)]

    def solving(self, task: str, facts: Sequence[str], said: Said) -> Messages:
        marks = {"solution": prompts.SOLUTION, "next": prompts.NEXT}
        system = _written("camel", "assistant_side", task=task, facts=_listed(facts), **marks)
        return [_system(system), *_as_said(said)]

    def principles(self) -> tuple[Principle, ...]:
        return principles()

    def critique(
        self, principle: Principle, question: str, answer: str, facts: Sequence[str]
    ) -> Messages:
        asked = _written(
            "constitution",
            "critique",
            question=question,
            answer=answer,
            facts=_listed(facts),
            request=principle.critique,
        )
        return [_user(asked)]

    def revision(self, principle: Principle, critique: Messages, assessment: str) -> Messages:
        request = _written("constitution", "revision", request=principle.revision)
        return [*critique, _assistant(assessment), _user(request)]

    def is_content(self, assessment: str) -> bool:
        lines = [line for line in assessment.strip().splitlines() if line.strip()]
        return bool(lines) and re.search(r"(?<!не )соответствует", lines[-1].lower()) is not None

    def reflection(
        self, question: str, answer: str, lessons: Sequence[str], facts: Sequence[str]
    ) -> Messages:
        asked = _written(
            "reflexion",
            "request",
            question=question,
            answer=answer,
            lessons=_listed(lessons),
            facts=_listed(facts),
        )
        return [_user(asked)]

    def persona(self, card: Card, facts: Sequence[str], said: Said) -> Messages:
        system = card.as_system()
        if facts:
            system += "\n" + _written("memory", "system", facts=_listed(facts))
        return [_system(system), *_as_said(said)]


def _remembered(facts: Sequence[str]) -> Messages:
    return [_system(prompts.memory(facts))] if facts else []


_written = partial(prompt_files.written, FOLDER)


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "- ничего"


def _as_said(said: Said) -> Messages:
    return [{"role": role, "content": content} for role, content in said]


def _swapped(said: Said) -> Messages:
    other = {"user": "assistant", "assistant": "user"}
    return [{"role": other[role], "content": text} for role, text in said if role in other]


def _system(content: str) -> dict[str, str]:
    return {"role": "system", "content": content}


def _user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def _assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}
