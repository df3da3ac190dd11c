"""`no_dialogue`: what comes with exports and sets, is known, and holds no dialogue.

Each such file ends in quarantine as one record, with a sentence on what it is, so that nobody
looks for a fault in it: reviews of answers that stand elsewhere, questions without answers,
accounts, lists of roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from assets.sources.reading import Head, Item, Options, Source, excerpt_of, head_of
from lake.schemas import Unreadable

NAME = "no_dialogue"
# The keys that tell a file, and what it is.  The first that fits counts.
KINDS: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(keys.split()), sentence)
    for keys, sentence in (
        ("review_id answer1_id answer2_id", "Judgements of answers that stand in other files."),
        ("question_id answer_id", "Answers to questions that stand in another file."),
        ("question_id text", "Questions without answers."),
        ("question_id turns", "Questions without answers."),
        ("id question category", "Questions without answers."),
        ("questions", "Questions without answers."),
        ("prompt_template", "Prompts for a judge."),
        ("reviewer_id prompt_id", "What a judge is set to."),
        ("model_id model_name", "A list of models."),
        ("characters", "Character cards: nobody speaks in them."),
        ("id email chatgpt_plus_user", "The account of a ChatGPT export."),
        ("conversation_id rating", "Ratings of messages that stand in another file."),
        ("conversation_id is_anonymous", "Links to shared conversations."),
        ("uuid full_name email_address", "The account of a Claude export."),
        ("uuid is_private docs", "The projects of a Claude export."),
        ("account_uuid conversations_memory", "What Claude remembers; nobody speaks in it."),
    )
)
_NUMBERED = re.compile(r"\s*1\. \S[^\n]*\n2\. \S[^\n]*\n3\. \S")
_NOTHING = re.compile(r"\s*(\[\s*\]|\{\s*\})\s*")


def recognises(head: Head) -> bool:
    """One of the kinds of JSON, JSON with nothing in it, or a numbered list from its start."""
    return bool(_what(head))


def read(path: Path, _options: Options) -> Iterator[Item]:
    """Yield what the file is."""
    head = head_of(path)
    yield Unreadable("not_a_dialogue", excerpt=excerpt_of(head.text), detail=_what(head))


def _what(head: Head) -> str:
    if _NOTHING.fullmatch(head.text):
        return "A list with nothing in it."
    if _NUMBERED.match(head.text):
        return "A numbered list, as of roles or topics."
    return next((sentence for keys, sentence in KINDS if keys <= head.keys), "")


SOURCE = Source(NAME, recognises, read)
