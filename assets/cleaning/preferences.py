"""From choices between two answers to choices fit to learn from, and what is dropped of them.

    cleaned = PreferenceCleaner(policy, personal, consent, clusters).clean(batch)

A choice is as fit as the dialogue that ends in its better answer: the same rules of text, personal
data and dialogues speak on it.  The worse answer may refuse or go round in circles, for that may be
why it is the worse one; it only has to be there, and to be another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import asdict, replace

from assets.cleaning.cleaning import scope_of
from assets.cleaning.conversations import Conversation
from assets.cleaning.filters import DIALOGUE_RULES, MESSAGE_RULES
from assets.cleaning.languages import language_of
from assets.cleaning.personal import Finding, Pseudonymiser
from assets.cleaning.policy import Policy
from assets.cleaning.rules import Candidate
from assets.cleaning.splits import split_of
from assets.cleaning.tables import WHOLE_DIALOGUE, Reason
from assets.cleaning.text import clean_text
from lake import schemas
from lake.ids import content_id
from lake.schemas import EXCERPT_CHARACTERS, Message

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


class CleanedPreferences(NamedTuple):
    """Every choice is once in `kept` or in `dropped`; each has its table's columns but `day`."""

    kept: pa.Table
    dropped: pa.Table
    findings: pa.Table


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice as its rules see it; the language is that of what was asked and answered best."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    language: str

    @property
    def preference_id(self) -> str:
        """Return the id of what was said and chosen, wherever it stood."""
        said = [part for m in self.prompt for part in (m.role, m.content)]
        return content_id("preference", *said, self.chosen, self.rejected)

    @property
    def chosen_dialogue(self) -> Candidate:
        """Return the dialogue that ends in the better answer."""
        messages = (*self.prompt, Message("assistant", self.chosen))
        return Candidate(messages, self.language, sum(len(m.content) for m in messages))


@dataclass(frozen=True, slots=True)
class PreferenceCleaner:
    """What cleaning choices depends on besides the records; the first three as in `Cleaner`.

    `clusters` has the cluster of each conversation that the lake knows, kept or dropped as a
    duplicate; `seen` the ids of the choices that were kept before, and grows.
    """

    policy: Policy
    personal: Pseudonymiser | None
    consent: Callable[[str, Sequence[str]], str]
    clusters: Mapping[Conversation, str]
    seen: set[str] = field(default_factory=set)

    def clean(self, batch: pa.RecordBatch) -> CleanedPreferences:
        """Clean a batch of `raw_preferences`, in its order."""
        kept, dropped, findings = [], [], []
        for row in batch.to_pylist():
            choice, found = self._repaired(row)
            reason = _reason(choice, self.policy) or self._repetition(choice)
            if reason is not None:
                dropped.append(_dropped_row(row, choice, reason))
                continue
            self.seen.add(choice.preference_id)
            kept.append(self._kept_row(row, choice))
            findings += found
        return CleanedPreferences(
            _table("cleaned_preferences", kept),
            _table("cleaned_dropped", dropped),
            _table("cleaned_findings", findings),
        )

    def _repaired(self, row: Row) -> tuple[Choice, list[Row]]:
        """Return the choice with its texts repaired and without personal data, and what was found.

        The places of a finding go on after the prompt: the better answer, then the worse one.
        """
        prompt = tuple(Message(**said) for said in row["prompt"])
        said = [*(m.content for m in prompt), row["chosen"], row["rejected"]]
        texts = [clean_text(text) for text in said]
        found: list[Finding] = []
        if self.personal is not None:
            scope = scope_of(row["source"], row["conversation_id"], texts)
            texts, found = self.personal.apply(texts, scope)
        *asked, chosen, rejected = texts
        prompt = tuple(replace(m, content=text) for m, text in zip(prompt, asked, strict=True))
        spoken = [m.content for m in prompt if m.role != "system"]
        choice = Choice(prompt, chosen, rejected, language_of("\n".join([*spoken, chosen])))
        return choice, [_finding_row(row, n, place) for n, place in enumerate(found)]

    def _repetition(self, choice: Choice) -> Reason | None:
        """Drop what was chosen before in the very same words, on any day."""
        return ("duplicate", "exact_duplicate") if choice.preference_id in self.seen else None

    def _kept_row(self, row: Row, choice: Choice) -> Row:
        return {
            "preference_id": choice.preference_id,
            **{name: row[name] for name in ("record_id", "source", "conversation_id", "origin")},
            "prompt": [asdict(m) for m in choice.prompt],
            "chosen": choice.chosen,
            "rejected": choice.rejected,
            "language": choice.language,
            "consent": self.consent(row["source"], row["participants"] or ()),
            "split": split_of(self._cluster(row, choice)),
        }

    def _cluster(self, row: Row, choice: Choice) -> str:
        """Return the cluster of the choice's conversation; else what all choices of it share."""
        source, conversation = row["source"], row["conversation_id"]
        if not conversation:
            return content_id("prompt", *(m.content for m in choice.prompt))
        alone = content_id("conversation", source, conversation)  # as the dialogue's own id
        return self.clusters.get((source, conversation), alone)


def _reason(choice: Choice, policy: Policy) -> Reason | None:
    """Return the first rule that drops a choice, or None."""
    if not choice.prompt or choice.prompt[-1].role != "user" or not choice.prompt[-1].content:
        return "choice", "no_question"
    if not (choice.chosen and choice.rejected):
        return "choice", "no_answer"
    if choice.chosen == choice.rejected:
        return "choice", "same_answers"
    dialogue = choice.chosen_dialogue
    for rule in DIALOGUE_RULES:
        if reason := rule.reason(dialogue, policy):
            return rule.name, reason
    for message_rule in MESSAGE_RULES:
        for message in dialogue.messages:
            if reason := message_rule.reason(message, policy):
                return message_rule.name, reason
    return None


def _dropped_row(row: Row, choice: Choice, reason: Reason) -> Row:
    asked = choice.prompt[-1].content if choice.prompt else ""
    return {
        "record_id": row["record_id"],
        "grain": "preference",
        "position": WHOLE_DIALOGUE,
        "rule": reason[0],
        "reason": reason[1],
        "cluster_id": "",
        "excerpt": f"{asked} / {choice.chosen}"[:EXCERPT_CHARACTERS],
        "source": row["source"],
    }


def _finding_row(row: Row, number: int, place: Finding) -> Row:
    return {
        "record_id": row["record_id"],
        "number": number,
        "position": place.position,
        "rule": "personal_data",
        "reason": place.kind,
        "excerpt": place.shown,
    }


def _table(name: str, rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    schema = schemas.tables()[name].schema
    return pa.Table.from_pylist(rows, schema=schema.remove(schema.get_field_index("day")))
