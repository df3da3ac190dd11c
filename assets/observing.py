"""Reading dialogues for what people told: a day at a time, once for each revision of a dialogue.

`embeddings_observations` has a row for every fact, and one with a reason for every turn that told
none.  What a person took back is not read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import BaseFileLock, FileLock

from assets import fingerprints, talks
from lake import query
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models import base as bases
from models.memory import Observation, extraction, summary
from models.memory.reading import by_model

if TYPE_CHECKING:
    from models.backends import ChatModel
    from models.memory.extraction import Told, Turn
    from models.memory.phrases import Phrases

OBSERVATIONS, FORGOTTEN = "embeddings_observations", "embeddings_forgotten"
WHOLE = -1  # the position of a summary: it is of a whole dialogue
EVERYTHING = "everything"  # the kind of a person's word that nothing told so far is remembered
RULES = f"rules-{extraction.CODE}"
AT_ONCE = 64
"""Dialogues shown to a model before their rows are made."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads dialogues: rules alone, or a model, which also sums up and reflects.

    A base grown here reads by rules even where it writes: it follows its own formats and no
    instruction.
    """

    reader_id: str
    model: ChatModel | None = None
    phrases: Phrases | None = None
    follows_instructions: bool = False

    def read(self, dialogues: Sequence[Told]) -> list[list[Turn]]:
        """Return every turn of each dialogue with its facts or its reason."""
        if self.model is not None and self.follows_instructions:
            return by_model(dialogues, self.model)
        return [extraction.by_rules(told) for told in dialogues]


@dataclass(frozen=True, slots=True)
class Taken:
    """What people took back: tellings by their turn, memories by their person, and whole turns.

    And until when each person is forgotten: what they told before may come to the lake after that.
    """

    tellings: Mapping[str, frozenset[tuple[str, str]]]  # source: (id of its text, its reader)
    memory_ids: Mapping[str, frozenset[str]]
    turns: frozenset[str]
    until: Mapping[str, datetime]

    def with_turns_before(self, dialogues: Sequence[Row]) -> Taken:
        """Return it with the turns that a person told before they were forgotten.

        A turn without a time has that of the last one before it, or the midnight its day began.
        """
        turns = set(self.turns)
        for row in dialogues:
            until = self.until.get(row["user_id"])
            told = _told(row, frozenset())
            places = range(len(told.messages)) if until else ()
            turns |= {told.source(n) for n in places if until and told.moment(n) <= until}
        return replace(self, turns=frozenset(turns))

    def holds(self, row: Row) -> bool:
        """Say whether a fact or a summary that was read was taken back since."""
        until = self.until.get(row["user_id"])
        if until is not None and row["told_at"] <= until:
            return True
        if row["kind"] == "fact":
            source = f"{row['dialogue_id']}/{row['position']}"
            return self.has(source, row["text"], row["reader_id"])
        told = (told for source in row["sources"] for told in self.tellings.get(source, ()))
        text_id = content_id(row["text"])
        return self.turns >= set(row["sources"]) or any(text_id == taken for taken, _ in told)

    def has(self, source: str, text: str, reader_id: str) -> bool:
        """Say whether what a turn tells was taken back; another reader's words are not trusted."""
        told = self.tellings.get(source, frozenset())
        return source in self.turns or any(
            text_id == content_id(text) or reader != reader_id for text_id, reader in told
        )


def reader_of(settings: Settings, lake: Lake, base: bases.BaseModel | None) -> Reader:
    """Return who reads, by the setting `memory.reader`; rules where there is no base yet."""
    grown = base is None or base.knows_the_primer
    elsewhere = settings.self_chat.backend == "openai"
    wanted = settings.memory.reader
    if base is None or wanted == "rules" or (wanted == "auto" and grown and not elsewhere):
        return Reader(RULES)
    from models.memory.phrases import PrimerPhrases, WrittenPhrases

    model = talks.Talks(lake, settings, base, date.min).speaker()
    follows = not grown or elsewhere
    name = settings.self_chat.model if elsewhere else base.base_id
    reader_id = content_id("reader", RULES, name, str(follows))
    return Reader(reader_id, model, WrittenPhrases() if follows else PrimerPhrases(), follows)


def stale_days(lake: Lake, settings: Settings, reader_id: str) -> list[date]:
    """Return the days whose dialogues were not read as they are, oldest first."""
    known = set(days_of(lake, "cleaned_dialogues")) | set(days_of(lake, OBSERVATIONS))
    return [
        day
        for day in sorted(known)
        if not lake.is_made_from(
            OBSERVATIONS, day, fingerprints.observations(settings, day, reader_id)
        )
    ]


def read_day(
    lake: Lake, settings: Settings, day: date, reader: Reader, by: Provenance
) -> list[Row]:
    """Read a day's granted dialogues, and write a row a fact, a summary or a turn passed over."""
    asked = (
        "from cleaned_dialogues where day = ? and coalesce(consent, 'granted') = 'granted' "
        "order by dialogue_id, revision"
    )
    dialogues = query.ask(lake, asked, [day])
    taken = taken_back(lake)
    rows: list[Row] = []
    for start in range(0, len(dialogues), AT_ONCE):
        rows += _read(dialogues[start : start + AT_ONCE], settings, reader, taken)
    made_from = fingerprints.observations(settings, day, reader.reader_id)
    lake.replace(OBSERVATIONS, rows, day=day, made_from=made_from, by=by)
    return rows


def _read(dialogues: Sequence[Row], settings: Settings, reader: Reader, taken: Taken) -> list[Row]:
    strangers = {name.strip() for name in settings.memory.strangers.split(",")}
    own = [row for row in dialogues if row["user_id"] and row["source"] not in strangers]
    taken = taken.with_turns_before(own)
    told = [_told(row, taken.turns) for row in own]
    rows = [r for row in dialogues if row not in own for r in _of_a_stranger(row, reader)]
    for row, turns in zip(own, reader.read(told), strict=True):
        about = _about(row, reader)
        rows += [r for turn in turns for r in _rows_of_turn(turn, about, taken)]
    return [*rows, *_summaries(own, settings, reader, taken)]


def _of_a_stranger(row: Row, reader: Reader) -> list[Row]:
    about = {**_about(row, reader), "kind": "fact", **_passed_over("stranger")}
    return [{**about, "position": n, "role": m["role"]} for n, m in enumerate(row["messages"])]


def _summaries(
    dialogues: Sequence[Row], settings: Settings, reader: Reader, taken: Taken
) -> list[Row]:
    """Return a row a long dialogue; what was taken back is not shown to who sums up."""
    if reader.model is None or reader.phrases is None:
        return []
    hidden = taken.turns | taken.tellings.keys()
    told = [(row, _told(row, hidden)) for row in dialogues]
    long = [(row, t) for row, t in told if summary.is_long(t, settings.memory.summary_turns)]
    made = summary.summaries([t for _, t in long], reader.model, reader.phrases)
    return [
        _summary_row(_about(row, reader), observation, reason)
        for (row, _), (observation, reason) in zip(long, made, strict=True)
    ]


def _told(row: Row, hidden: Set[str]) -> Told:
    """Return a dialogue as it is read, without the words of turns that are not to be read."""
    shown = [
        {**m, "content": "" if f"{row['dialogue_id']}/{n}" in hidden else m["content"]}
        for n, m in enumerate(row["messages"])
    ]
    midnight = datetime.combine(row["day"], time(), UTC)
    taught = row["source"] != fingerprints.OWN_ANSWERS
    return extraction.Told(row["dialogue_id"], shown, midnight, taught)


def _about(row: Row, reader: Reader) -> Row:
    return {
        "dialogue_id": row["dialogue_id"],
        "revision": row["revision"],
        "user_id": row["user_id"],
        "reader_id": reader.reader_id,
    }


def _rows_of_turn(turn: Turn, about: Row, taken: Taken) -> list[Row]:
    """Return a row a fact of a turn, or one with the reason why it told none."""
    where = {**about, "position": turn.position, "role": turn.role, "kind": "fact"}
    source = f"{about['dialogue_id']}/{turn.position}"
    facts = {o.text: o for o in turn.facts if not taken.has(source, o.text, about["reader_id"])}
    if facts:
        return [{**where, **_of_observation(o)} for o in facts.values()]
    reason = "forgotten" if turn.facts or source in taken.turns else turn.reason
    return [{**where, **_passed_over(reason)}]


def _summary_row(about: Row, observation: Observation | None, reason: str) -> Row:
    where = {**about, "position": WHOLE, "role": "", "kind": "summary"}
    return {**where, **(_of_observation(observation) if observation else _passed_over(reason))}


def _of_observation(observation: Observation) -> Row:
    return {
        "text": observation.text,
        "importance": observation.importance,
        "told_at": observation.told_at,
        "sources": list(observation.sources),
        "reason": "",
    }


def _passed_over(reason: str) -> Row:
    return {"text": "", "importance": 0, "told_at": None, "sources": [], "reason": reason}


def taken_back(lake: Lake) -> Taken:
    """Return what people took back until now."""
    tellings: dict[str, set[tuple[str, str]]] = defaultdict(set)
    memory_ids: dict[str, set[str]] = defaultdict(set)
    turns: set[str] = set()
    until: dict[str, datetime] = {}
    for row in sorted(lake.rows(FORGOTTEN), key=itemgetter("forgotten_at")):
        if row["kind"] == EVERYTHING:
            turns |= set(row["sources"])
            until[row["user_id"]] = row["forgotten_at"]
            continue
        memory_ids[row["user_id"]].add(row["memory_id"])
        for source in row["sources"]:
            tellings[source] |= {(text_id, row["reader_id"]) for text_id in row["text_ids"]}
    return Taken(
        {source: frozenset(told) for source, told in tellings.items()},
        {user_id: frozenset(ids) for user_id, ids in memory_ids.items()},
        frozenset(turns),
        until,
    )


def lock(home: Path) -> BaseFileLock:
    """Return the lock of who reads, remembers or forgets: none writes what another took back."""
    path = home / "locks" / "memories"
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def days_of(lake: Lake, table: str) -> list[date]:
    """Return the days of which a table has rows, oldest first."""
    return [part.day for part in lake.partitions(table)]
