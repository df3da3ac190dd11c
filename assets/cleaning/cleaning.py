"""From a batch of records to dialogues fit to train on, and everything dropped, with its reason.

    cleaner = Cleaner(policy, neighbours, personal, consents)
    cleaned = cleaner.clean(batch)          # tables: kept, dropped, findings, signatures

The order of work: text, personal data, turns, language, rules, duplicates.  Each step takes the
flat frame of messages and gives it back; the gates of the rules are asked of whole columns, and
the rules' functions run on the few rows that pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

from assets.cleaning import said as frames
from assets.cleaning import tables
from assets.cleaning.filters import DIALOGUE_RULES, MESSAGE_RULES
from assets.cleaning.greetings import OFFERS
from assets.cleaning.languages import language_of, plainly_russian
from assets.cleaning.marks import MARK_RULES
from assets.cleaning.minhash import Sketches, sketch
from assets.cleaning.near_duplicates import Neighbours, signed
from assets.cleaning.ordering import in_order
from assets.cleaning.personal import Pseudonymiser, gate
from assets.cleaning.policy import Policy
from assets.cleaning.quality import cut_off, quality
from assets.cleaning.rules import Candidate
from assets.cleaning.tables import Batch, Cleaned, Finding, Kept, Reason
from assets.cleaning.text import TEXT_RULES, clean_text
from lake.ids import content_id, each_prefixed, id_of_prefixed, ids_under, prefixed
from lake.schemas import EXCERPT_CHARACTERS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")
TITLE = -1  # the position of a finding in the title


@dataclass(frozen=True, slots=True)
class Cleaner:
    """What cleaning depends on besides the records; `personal` is None to leave texts as they are.

    `consent` gives the word for a dialogue's source and people.
    """

    policy: Policy
    neighbours: Neighbours
    personal: Pseudonymiser | None = None
    consent: Callable[[str, Sequence[str]], str] = lambda _source, _people: "granted"

    def clean(self, batch: pa.RecordBatch) -> Cleaned:
        """Clean a batch of `raw_records`, in its order."""
        import polars as pl

        count = batch.num_rows
        about = pl.DataFrame(batch.drop_columns(["messages"]))
        said = _repaired(frames.exploded(batch.column("messages")))
        said, titles, findings = self._without_personal_data(said, about)
        said, removed = in_order(said, count)
        marks = _marks(said)
        texts = frames.joined(said.filter(pl.col("role") != "system"), count)
        sketches = sketch(texts, frames.joined(said.filter(pl.col("role") == "user"), count))
        dialogues = _described(said, texts, sketches, marks, count)
        reasons = _reasons(said, dialogues, self.policy)
        known = Batch(about.with_columns(titles), said, removed, dialogues, sketches, reasons)
        return self._settled(known, findings + marks)

    def _without_personal_data(
        self, said: pl.DataFrame, about: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.Series, list[Finding]]:
        """Return messages and titles with placeholders, and what was found where."""
        titles = about["title"]
        if self.personal is None:
            return said, titles, []
        wanted = gate(names=self.personal.names)
        hit = set(said["record"].gather(frames.rows_where(said, wanted)).to_list())
        hit |= set(titles.str.contains(wanted).arg_true().to_list())
        rows = said["record"].is_in(sorted(hit)).arg_true().to_numpy()
        spoken = said.gather(rows)
        turns_of = _grouped(
            sorted(hit),
            zip(spoken["record"], spoken.select("position", "content").iter_rows(), strict=True),
        )
        contents: list[str] = []
        named: dict[int, str] = {}
        findings: list[Finding] = []
        for record, turns in turns_of.items():
            places = [*(position for position, _ in turns), TITLE]
            texts = [content for _, content in turns]
            scope = scope_of(about["source"][record], about["conversation_id"][record], texts)
            (*said_there, named[record]), found = self.personal.apply(
                [*texts, titles[record]], scope
            )
            contents += said_there
            findings += [
                Finding(record, places[f.position], "personal_data", f.kind, f.shown) for f in found
            ]
        if named:
            titles = titles.scatter(list(named), list(named.values()))
        return frames.patched(said, rows, contents), titles, findings

    def _settled(self, batch: Batch, findings: list[Finding]) -> Cleaned:
        """Return the batch with the duplicates among what no rule dropped decided."""
        import numpy as np

        fit = np.array([reason is None for reason in batch.reasons], np.bool_)
        revisions, dialogue_ids = _ids(batch, fit)
        newcomers = signed(
            batch.sketches.take(fit),
            revisions=revisions,
            dialogue_ids=dialogue_ids,
            quality=batch.dialogues["quality"].to_numpy()[fit],
        )
        settled = self.neighbours.settle(newcomers)
        doubled: dict[int, str] = {}
        for record, reason, cluster in zip(
            np.flatnonzero(fit).tolist(), settled.reasons, settled.clusters.tolist(), strict=True
        ):
            if reason:
                batch.reasons[record] = ("duplicate", reason)
                doubled[record] = cluster.decode()
        stays = np.array([not reason for reason in settled.reasons], np.bool_)
        kept = Kept(
            np.flatnonzero(fit)[stays],
            list(compress(dialogue_ids, stays)),
            list(compress(revisions, stays)),
            replace(newcomers, clusters=settled.clusters).take(stays),
        )
        return Cleaned(
            tables.kept(batch, kept, self.consent),
            tables.dropped(batch, kept, doubled),
            tables.findings(batch, kept, findings),
            tables.signatures(kept),
        )


def _repaired(said: pl.DataFrame) -> pl.DataFrame:
    """Return the messages with the text rules applied to those that any gate lets through."""
    rows = frames.rows_where(said, frames.either(rule.gate for rule in TEXT_RULES))
    return frames.patched(said, rows, map(clean_text, said["content"].gather(rows).to_list()))


def _marks(said: pl.DataFrame) -> list[Finding]:
    """Return the places that the marking rules object to."""
    rows = frames.rows_where(said, frames.either(rule.gate for rule in MARK_RULES))
    seen = said.select("record", "position", "content").gather(rows)
    return [
        Finding(record, position, "marks", rule.name, excerpt[:EXCERPT_CHARACTERS])
        for record, position, content in seen.iter_rows()
        for rule in MARK_RULES
        for excerpt in rule.find(content)
    ]


def _described(
    said: pl.DataFrame,
    texts: pa.LargeStringArray,
    sketches: Sketches,
    marks: list[Finding],
    count: int,
) -> pl.DataFrame:
    """Return one row a record with the columns that `DialogueRule.gate` and `quality` read."""
    import numpy as np
    import polars as pl

    record = said["record"].to_numpy()
    lengths = said["content"].str.len_chars().to_numpy()
    asks, answers = ((said["role"] == role).to_numpy() for role in ("user", "assistant"))

    def total(weights: np.ndarray) -> np.ndarray:
        return np.bincount(record, weights, minlength=count).astype(np.int64)

    return pl.DataFrame(
        {
            "characters": total(lengths),
            "answer_characters": total(lengths * answers),
            "messages": total(np.ones(len(record))),
            "questions": total(asks),
            "answers": total(answers),
            "cut_off": total(answers & said.select(cut_off("content")).to_series().to_numpy()),
            "letters": sketches.letters[:, 0].astype(np.int64),
            "offers": total((said["content"].str.contains(OFFERS)).to_numpy()),
            "marks": np.bincount([m.record for m in marks], minlength=count).astype(np.int64),
            "language": _languages(texts),
        }
    ).with_columns(quality().alias("quality"))


def _languages(texts: pa.LargeStringArray) -> pl.Series:
    import polars as pl

    said = pl.DataFrame({"text": pl.from_arrow(texts)})
    plain = said.select(plainly_russian("text")).to_series()
    told = iter([language_of(text) for text in said["text"].filter(~plain).to_list()])
    return pl.Series(["ru" if is_plain else next(told) for is_plain in plain.to_list()])


def _reasons(said: pl.DataFrame, dialogues: pl.DataFrame, policy: Policy) -> list[Reason | None]:
    """Return for each record the first rule that drops it, or None."""
    reasons: list[Reason | None] = [None] * len(dialogues)
    for rule in DIALOGUE_RULES:
        rows = dialogues.select(rule.gate(policy)).to_series().arg_true().to_list()
        undecided = [record for record in rows if reasons[record] is None]
        for record, candidate in _candidates(said, dialogues, undecided):
            if reason := rule.reason(candidate, policy):
                reasons[record] = (rule.name, reason)
    for message_rule in MESSAGE_RULES:
        hits = said.gather(frames.rows_where(said, message_rule.gate))
        for record, message in zip(hits["record"], frames.messages_of(hits), strict=True):
            if reasons[record] is None and (reason := message_rule.reason(message, policy)):
                reasons[record] = (message_rule.name, reason)
    return reasons


def _candidates(
    said: pl.DataFrame, dialogues: pl.DataFrame, records: list[int]
) -> Iterator[tuple[int, Candidate]]:
    """Yield these records as their rules see them."""
    import polars as pl

    rows = said.filter(pl.col("record").is_in(records))
    messages = _grouped(records, zip(rows["record"], frames.messages_of(rows), strict=True))
    about = dialogues.select("language", "characters", "quality")[records].iter_rows()
    for (record, said_there), known in zip(messages.items(), about, strict=True):
        yield record, Candidate(tuple(said_there), *known)


def _grouped(records: list[int], rows: Iterable[tuple[int, T]]) -> dict[int, list[T]]:
    """Return what belongs to each of these records, also to one to which nothing does."""
    grouped: dict[int, list[T]] = {record: [] for record in records}
    for record, row in rows:
        grouped[record].append(row)
    return grouped


def scope_of(source: str, conversation: str, texts: list[str]) -> str:
    """Return what placeholders are consistent within: the conversation, or else its content."""
    if conversation:
        return content_id("conversation", source, conversation)
    return content_id(source, *texts)


def _ids(batch: Batch, fit: np.ndarray) -> tuple[list[str], list[str]]:
    """Return revision and dialogue ids of the records that are fit.

    A revision is what was said: roles and contents in order, times and ids left out.  A dialogue
    is the source's conversation, which survives being exported again with more turns; where the
    source has no ids, the content is all there is.
    """
    import polars as pl

    begins = frames.starts(batch.said, len(batch.about)).tolist()
    role = cache(prefixed)
    contents = each_prefixed(batch.said["content"].cast(pl.Binary).to_list())
    roles = map(role, batch.said["role"].to_list())
    parts = [who + content for who, content in zip(roles, contents, strict=True)]
    conversation = cache(partial(ids_under, "conversation"))
    content = cache(partial(ids_under, "content"))
    sources = batch.about["source"].to_list()
    given = batch.about["conversation_id"].to_list()
    revisions, dialogues = [], []
    for record in fit.nonzero()[0].tolist():
        revision = id_of_prefixed(parts[begins[record] : begins[record + 1]])
        source = sources[record]
        revisions.append(revision)
        dialogues.append(
            conversation(source)(given[record]) if given[record] else content(source)(revision)
        )
    return revisions, dialogues
