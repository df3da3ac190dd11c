"""What to remember of a person, and what of it to call to mind: pure functions over rows.

    addressing   a person's own words said back to them: `мою собаку зовут` is `твою собаку зовут`
    statements   what one sentence is: a fact told, a question, small talk, a secret
    importance   how much a fact matters, 1 to 10
    extraction   the facts of one dialogue, and why each other turn is none
    reading      the same by a model that follows instructions
    claims       of what a fact speaks and what it says of it
    merging      one memory of many tellings; the newer stands where two contradict
    summary      what a dialogue was about, by a model
    reflection   what several memories say together, by a model
    phrases      in which words a model is asked for these
    readings     dictionary forms of words
    scoring      recency, importance and relevance of what a search found
    prompting    memories in the conversation that a model answers

A memory is kept in the words it was told in, turned to the person: `твою собаку зовут Буран`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Observation:
    """One fact or summary read in a dialogue.

    `sources` are `dialogue_id/position` of the turns it comes from; `told_at` is in UTC.
    """

    text: str
    importance: int
    told_at: datetime
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """One memory of a person: what was told, once or often.

    `texts` are its tellings, each in its words; `told_at` is when it was first told,
    `last_told_at` when last; `replaced_by` is the text of the memory that contradicted it, empty
    where it stands.
    """

    text: str
    importance: int
    told_at: datetime
    last_told_at: datetime
    sources: tuple[str, ...]
    texts: tuple[str, ...]
    replaced_by: str = ""
    replaced_at: datetime | None = None
