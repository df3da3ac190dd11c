"""From records to dialogues fit to train on, and every drop with its rule and reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from assets.cleaning.filters import FILTERS, Candidate
from assets.cleaning.languages import language_of
from assets.cleaning.policy import Policy
from assets.cleaning.text import clean_text
from assets.cleaning.turns import Removed, in_turn
from lake.ids import dialogue_id_of, revision_of
from lake.schemas import Dialogue, Message

Grain = Literal["dialogue", "message"]
EXCERPT_CHARACTERS = 200
WHOLE_DIALOGUE = -1  # the position of a drop of dialogue grain
# Of a hundred dialogues five are for validation and five for the test.
VALIDATION_PERCENT = 5
TEST_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Record:
    """A dialogue as it lies in `raw_records`."""

    record_id: str
    dialogue: Dialogue


@dataclass(frozen=True, slots=True)
class CleanDialogue:
    """A dialogue fit to train on; `dialogue` holds the cleaned messages."""

    record_id: str
    dialogue_id: str
    revision: str
    dialogue: Dialogue
    language: str
    split: str

    @property
    def turns(self) -> int:
        """How many answers it holds."""
        return sum(message.role == "assistant" for message in self.dialogue.messages)

    @property
    def characters(self) -> int:
        """How long all contents are together."""
        return sum(len(message.content) for message in self.dialogue.messages)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A dialogue dropped, or one message left out of a kept one.

    `position` is the message's place in the record's dialogue, -1 for a whole dialogue;
    `source` the format the record came in.
    """

    record_id: str
    grain: Grain
    position: int
    rule: str
    reason: str
    excerpt: str
    source: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Every record is once in `kept` or once, at dialogue grain, in `dropped`."""

    kept: list[CleanDialogue] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def clean(records: Iterable[Record], *, seen: Collection[str], policy: Policy) -> Cleaned:
    """Clean records in order; a revision in `seen`, or met before, is dropped as a duplicate."""
    cleaned = Cleaned()
    known = set(seen)
    for record in records:
        messages, removed = _messages(record.dialogue)
        candidate = _candidate(messages)
        revision = revision_of(messages)
        if verdict := _verdict(candidate, revision in known, policy):
            cleaned.dropped.append(_dropped(record, *verdict))
            continue
        known.add(revision)
        cleaned.kept.append(_kept(record, candidate, revision))
        cleaned.dropped.extend(_left_out(record, removed))
    return cleaned


def split_of(dialogue_id: str) -> str:
    """Return `train`, `validation` or `test`, by the id alone: the same on every machine."""
    percent = int(dialogue_id[:12], 16) % 100
    if percent < TEST_PERCENT:
        return "test"
    return "validation" if percent < TEST_PERCENT + VALIDATION_PERCENT else "train"


def _messages(dialogue: Dialogue) -> tuple[tuple[Message, ...], list[Removed]]:
    repaired, removed = in_turn(_repaired(m) for m in dialogue.messages)
    # Joined messages may hold a code fence that opens in one and closes in the next.
    return tuple(_repaired(message) for message in repaired), removed


def _repaired(message: Message) -> Message:
    text = clean_text(message.content)
    return message if text == message.content else replace(message, content=text)


def _candidate(messages: tuple[Message, ...]) -> Candidate:
    said = "\n".join(m.content for m in messages if m.role != "system")
    return Candidate(messages, language_of(said), sum(len(m.content) for m in messages))


def _verdict(candidate: Candidate, is_known: bool, policy: Policy) -> tuple[str, str] | None:
    """Return the first rule that drops the candidate, and its reason."""
    for rule in FILTERS:
        if reason := rule.reason(candidate, policy):
            return rule.name, reason
    return ("duplicate", "exact_duplicate") if is_known else None


def _kept(record: Record, candidate: Candidate, revision: str) -> CleanDialogue:
    dialogue = replace(record.dialogue, messages=candidate.messages, language=candidate.language)
    dialogue_id = dialogue_id_of(dialogue)
    return CleanDialogue(
        record.record_id,
        dialogue_id,
        revision,
        dialogue,
        candidate.language,
        split_of(dialogue_id),
    )


def _dropped(record: Record, rule: str, reason: str) -> Dropped:
    said = " / ".join(message.content[:EXCERPT_CHARACTERS] for message in record.dialogue.messages)
    return Dropped(
        record.record_id,
        "dialogue",
        WHOLE_DIALOGUE,
        rule,
        reason,
        said[:EXCERPT_CHARACTERS],
        record.dialogue.source,
    )


def _left_out(record: Record, removed: Iterable[Removed]) -> Iterator[Dropped]:
    for one in removed:
        yield Dropped(
            record.record_id,
            "message",
            one.position,
            one.rule,
            one.reason,
            one.message.content[:EXCERPT_CHARACTERS],
            record.dialogue.source,
        )
