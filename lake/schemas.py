"""The records of the lake: `Dialogue` and `Message`, and one Arrow schema a table.

A dialogue is what every source yields and every stage reads.  Tables are Delta, so no unsigned
integers; every table has `day`, its DATE partition: the day of ingestion, or for derived rows
the day they were made from.  `docs/glossary.md` has the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = get_args(Role)
EXCERPT_CHARACTERS = 200  # of what was dropped or could not be read: enough to know it again


class Message(msgspec.Struct, frozen=True, gc=False):
    """One thing said.  `role` is one of `ROLES`; `created_at` is in UTC where it is known.

    A struct of msgspec, as `Dialogue` is: a batch makes hundreds of thousands, four times as fast
    as frozen dataclasses, and Python's garbage collector has none of them to look through.
    """

    role: str
    content: str
    created_at: datetime | None = None
    message_id: str = ""

    def as_chat(self) -> dict[str, str]:
        """Return `{"role", "content"}`, the form of every chat API."""
        return {"role": self.role, "content": self.content}


class Dialogue(msgspec.Struct, frozen=True, gc=False):
    """One conversation as a source gives it.

    `source` is the format's name (`nexus`, `sharegpt`, ...); `conversation_id` the source's own
    id, empty where it has none; `position` says where in the file it stood (`line 12`,
    `item 3`, `blocks 5-9`), so that every row leads back to its bytes.  `annotations` hold text
    of the source that nobody said (a vault's notes around a conversation): kept, never a turn.

    `participants` are the people in it as the source names them (pseudonymised when written),
    `attachments` the names of files that came with it, `remarks` what the reader could not
    decide and did not guess (a date of two readings, branches left aside), a sentence each.
    """

    messages: tuple[Message, ...]
    source: str
    conversation_id: str = ""
    title: str = ""
    position: str = ""
    language: str = ""
    user: str = ""
    annotations: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def as_chat(self) -> list[dict[str, str]]:
        """Return the messages as a list of `{"role", "content"}`."""
        return [message.as_chat() for message in self.messages]


class Preference(msgspec.Struct, frozen=True, gc=False):
    """A choice that a source holds: after `prompt`, people liked `chosen` better than `rejected`.

    `origin` says how it was made (`ranks` of siblings, `votes`); `participants` are those who wrote
    any of it; the rest as in `Dialogue`.
    """

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    source: str
    origin: str
    conversation_id: str = ""
    position: str = ""
    participants: tuple[str, ...] = ()


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A record or a whole file that no reader could take: it is quarantined with this reason.

    `reason` is a short snake_case word (`binary`, `bad_json`, `no_messages`, `unknown_role`...);
    `excerpt` at most 200 characters of what was seen, `detail` one sentence for a person.
    """

    reason: str
    position: str = ""
    excerpt: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table's contract: name, grain in words, columns, and which columns may have statistics.

    Delta writes minima and maxima of columns with statistics into its log in clear; text must
    never be among them, or a deleted person's words live on in `_delta_log`.

    `originals` are the columns with words before personal data was replaced: `lake.query` shows
    them only where they are asked for.
    """

    name: str
    grain: str
    schema: pa.Schema
    statistics: tuple[str, ...]
    key: tuple[str, ...]
    originals: tuple[str, ...]


@cache
def tables() -> Mapping[str, Table]:
    """Return every Delta table by name, in the order of the journey."""
    import pyarrow as pa

    text, day, moment, count = pa.string(), pa.date32(), pa.timestamp("us", tz="UTC"), pa.int64()
    message = pa.struct(
        [("message_id", text), ("role", text), ("content", text), ("created_at", moment)]
    )

    talk = {
        "method": text,
        "generator": text,
        "parents": pa.list_(text),
        "seed": count,
        "ancestry_depth": count,
        "principle": text,
        "judge": text,
        "nats": pa.float64(),
        "judge_score": pa.float64(),
        "tokens": count,
        "seconds": pa.float64(),
    }

    def table(name: str, grain: str, key: str, /, originals: str = "", **columns: Any) -> Table:
        schema = pa.schema([("day", day), *columns.items()])
        wordless = tuple(
            f.name for f in schema if f.name.endswith("_id") or pa.types.is_primitive(f.type)
        )
        return Table(name, grain, schema, wordless, tuple(key.split()), tuple(originals.split()))

    listed = [
        table(
            "raw_records",
            "one record as received",
            "record_id",
            originals="title messages annotations attachments remarks",
            record_id=text,
            number=count,
            source=text,
            file=text,
            file_id=text,
            position=text,
            conversation_id=text,
            title=text,
            user_id=text,
            messages=pa.list_(message),
            annotations=pa.list_(text),
            participants=pa.list_(text),
            attachments=pa.list_(text),
            remarks=pa.list_(text),
        ),
        table(
            "raw_preferences",
            "one choice between two answers as received",
            "record_id",
            originals="prompt chosen rejected",
            record_id=text,
            source=text,
            file=text,
            file_id=text,
            position=text,
            conversation_id=text,
            participants=pa.list_(text),
            origin=text,
            prompt=pa.list_(message),
            chosen=text,
            rejected=text,
        ),
        table(
            "raw_quarantined",
            "one record or file that could not be read",
            "record_id",
            originals="detail excerpt",
            record_id=text,
            file=text,
            file_id=text,
            position=text,
            reason=text,
            detail=text,
            excerpt=text,
        ),
        table(
            "cleaned_dialogues",
            "one revision of one dialogue, fit to train on",
            "dialogue_id revision",
            dialogue_id=text,
            revision=text,
            record_id=text,
            source=text,
            conversation_id=text,
            title=text,
            user_id=text,
            participants=pa.list_(text),
            messages=pa.list_(message),
            language=text,
            consent=text,
            split=text,
            cluster_id=text,
            quality=pa.float64(),
            turns=count,
            characters=count,
        ),
        table(
            "cleaned_preferences",
            "one choice between two answers, fit to learn from",
            "preference_id",
            preference_id=text,
            record_id=text,
            source=text,
            conversation_id=text,
            origin=text,
            prompt=pa.list_(message),
            chosen=text,
            rejected=text,
            language=text,
            consent=text,
            split=text,
        ),
        table(
            "cleaned_dropped",
            "one dialogue or preference dropped, or one message removed from a kept dialogue",
            "record_id position rule",
            record_id=text,
            grain=text,
            position=count,
            rule=text,
            reason=text,
            cluster_id=text,
            excerpt=text,
            source=text,
        ),
        table(
            "cleaned_findings",
            "one place in a kept dialogue or preference that a rule marked or replaced",
            "record_id number",
            record_id=text,
            number=count,
            position=count,
            rule=text,
            reason=text,
            excerpt=text,
        ),
        table(
            "cleaned_signatures",
            "one kept dialogue, as near-duplicate search sees it",
            "revision",
            revision=text,
            exact=count,
            dialogue=count,
            cluster_id=text,
            quality=pa.float64(),
            letters=count,
            asked_letters=count,
            facts=count,
            bands=pa.binary(),
            sketch=pa.binary(),
        ),
        table(
            "embeddings_duplicates",
            "one dialogue that says in other words what another one says",
            "dialogue_id revision",
            dialogue_id=text,
            revision=text,
            paraphrase_of=text,
            similarity=pa.float64(),
            encoder_id=text,
        ),
        table(
            "embeddings_observations",
            "one fact or summary read in a dialogue, or a turn passed over with its reason",
            "dialogue_id revision position text",
            dialogue_id=text,
            revision=text,
            position=count,
            user_id=text,
            role=text,
            kind=text,
            text=text,
            importance=count,
            told_at=moment,
            sources=pa.list_(text),
            reason=text,
            reader_id=text,
        ),
        table(
            "embeddings_forgotten",
            "one memory that was taken back, without its words",
            "memory_id forgotten_at",
            memory_id=text,
            user_id=text,
            kind=text,
            sources=pa.list_(text),
            text_ids=pa.list_(text),
            reader_id=text,
            reason=text,
            forgotten_at=moment,
        ),
        table(
            "self_chats_dialogues",
            "one dialogue the model held with itself, accepted by the filters",
            "dialogue_id",
            dialogue_id=text,
            revision=text,
            session_id=text,
            **talk,
            turns=count,
            messages=pa.list_(message),
        ),
        table(
            "self_chats_dropped",
            "one dialogue the model held with itself, refused with a reason",
            "dialogue_id",
            dialogue_id=text,
            session_id=text,
            **talk,
            reason=text,
            messages=pa.list_(message),
        ),
        table(
            "self_chats_preferences",
            "one choice between two answers that a method, a judge or a person made",
            "preference_id",
            preference_id=text,
            dialogue_id=text,
            session_id=text,
            answer_id=text,
            rejected_answer_id=text,
            origin=text,
            user_id=text,
            generator=text,
            judge=text,
            principle=text,
            parents=pa.list_(text),
            ancestry_depth=count,
            prompt=pa.list_(message),
            chosen=text,
            rejected=text,
            decided_at=moment,
        ),
        table(
            "self_chats_sessions",
            "one run of self-chat by itself, or a person's word on such runs",
            "session_id",
            session_id=text,
            state=text,
            reason=text,
            decided_by=text,
            number=count,
            generator=text,
            begun=count,
            kept=count,
            tokens=count,
            seconds=pa.float64(),
            distinct_2=pa.float64(),
            topics=pa.float64(),
            past=pa.float64(),
            synthetic=pa.float64(),
            refusals=pa.float64(),
            russian=pa.float64(),
            held_at=moment,
        ),
        table(
            "adapters_training_sets",
            "one row of one training set",
            "training_set_id position",
            training_set_id=text,
            base_id=text,
            recipe_id=text,
            recipe=text,
            position=count,
            role=text,
            dialogue_id=text,
            revision=text,
            source_table=text,
            table_version=count,
            source=text,
            ancestry_depth=count,
            tokens=count,
            frame_tokens=count,
            weight=pa.float64(),
            messages=pa.list_(message),
            chosen=text,
            rejected=text,
            frozen_at=moment,
        ),
        table(
            "adapters_left_out",
            "one row that a training set could have held and does not",
            "training_set_id source_table dialogue_id revision reason",
            training_set_id=text,
            dialogue_id=text,
            revision=text,
            source_table=text,
            source=text,
            reason=text,
            frozen_at=moment,
        ),
        table(
            "adapters_trainings",
            "one training set that was trained on, and the adapter that it made",
            "training_set_id",
            training_set_id=text,
            adapter_id=text,
            trained_at=moment,
        ),
        table(
            "adapters_versions",
            "one adapter",
            "adapter_id",
            adapter_id=text,
            base_id=text,
            base_model=text,
            recipe=text,
            recipe_id=text,
            method=text,
            training_set_id=text,
            parent_adapter_id=text,
            sha256=text,
            template_id=text,
            mlflow_version=text,
            mlflow_run_id=text,
            train_rows=count,
            train_loss=pa.float64(),
            tokens=count,
            seconds=pa.float64(),
            cpu_seconds=pa.float64(),
            energy_joules=pa.float64(),
            device=text,
            peak_memory_bytes=count,
            created_at=moment,
        ),
        table(
            "evaluations_scores",
            "one metric of one evaluation",
            "evaluation_id suite model_id metric",
            evaluation_id=text,
            adapter_id=text,
            model_id=text,
            suite=text,
            metric=text,
            value=pa.float64(),
            low=pa.float64(),
            high=pa.float64(),
            n=count,
            coverage=pa.float64(),
        ),
        table(
            "evaluations_samples",
            "one scored item",
            "evaluation_id suite model_id item_id",
            evaluation_id=text,
            adapter_id=text,
            model_id=text,
            suite=text,
            item_id=text,
            prompt=text,
            expected=text,
            answer=text,
            score=pa.float64(),
        ),
        table(
            "evaluations_comparisons",
            "one opinion on which of two answers is better",
            "evaluation_id item_id judge first_model second_model",
            evaluation_id=text,
            item_id=text,
            judge=text,
            first_model=text,
            second_model=text,
            choice=text,
            text=text,
            tokens=count,
        ),
        table(
            "evaluations_verdicts",
            "one decision of the gate or of a person",
            "evaluation_id",
            evaluation_id=text,
            adapter_id=text,
            champion_id=text,
            passed=pa.bool_(),
            reasons=pa.list_(text),
            failed=pa.list_(text),
            policy_id=text,
            improvement=pa.float64(),
            low=pa.float64(),
            high=pa.float64(),
            candidate=count,
            alpha=pa.float64(),
            decided_by=text,
            decided_at=moment,
            tokens=count,
            seconds=pa.float64(),
            cpu_seconds=pa.float64(),
        ),
        table(
            "deployments_history",
            "one change of what is served",
            "deployment_id",
            deployment_id=text,
            served_name=text,
            adapter_id=text,
            from_adapter_id=text,
            evaluation_id=text,
            decided_by=text,
            reason=text,
            probe_difference=pa.float64(),
            share=pa.float64(),
            deployed_at=moment,
        ),
        table(
            "deployments_answers",
            "one request that the gateway accepted, and how its answer ended; no words",
            "answer_id",
            answer_id=text,
            conversation_id=text,
            dialogue_id=text,
            user_id=text,
            served_name=text,
            adapter_id=text,
            finish=text,
            prompt_tokens=count,
            completion_tokens=count,
            seconds=pa.float64(),
            first_seconds=pa.float64(),
            memories=pa.list_(text),
            cached=pa.bool_(),
            asked_at=moment,
        ),
    ]
    return {t.name: t for t in listed}
