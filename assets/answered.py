"""What the gateway answered: its log as rows, one an accepted request, without anybody's words.

A line is read if `assets.sources.gateway` reads it, so what is torn or no event is quarantined
there, once, and here counted by the same reason.  A field that is missing is null in its row and
counted as well.  An answer may stand in the log of a later day than its request (midnight, a kill);
its row is in the day of the request.  Who was forgotten has no row for what they asked until then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from assets import fingerprints, inbox
from assets.observing import EVERYTHING, FORGOTTEN
from assets.sources import gateway
from assets.sources.records import id_from, moment_from, text_from
from lake.ids import pseudonym_key, require_id, user_id_of
from lake.schemas import Unreadable
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models.adapters import served_name
from models.serving.conversation_log import path_of
from models.serving.served import BASE

TABLE = "deployments_answers"
UNANSWERED = "unanswered"
"""The finish of a request that no answer of the log belongs to: killed on its way, or under way."""
MOST = 1 << 53  # what a double still tells from its neighbours
TOLD = ("prompt_tokens", "completion_tokens", "seconds", "first_seconds")
Row = dict[str, Any]
Event = Mapping[str, Any]


@dataclass
class Log:
    """Requests and answers of some days, by the id of the answer; `faults` counts lines by reason.

    Of two events with one id the first counts: the later one is a copy, or a stream that a restart
    found though its answer had been logged.
    """

    asked: dict[str, tuple[date, Event]] = field(default_factory=dict)
    answered: dict[str, Event] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)

    def read(self, path: Path, day: date) -> None:
        """Take in the log of a day."""
        for _, event in gateway.sound(path):
            if isinstance(event, Unreadable):
                self.faults[event.reason] += 1
            elif event["event"] == "request":
                self._once(self.asked, id_from(event, "request_id"), (day, event))
            elif event["event"] == "answer":
                self._once(self.answered, id_from(event, "request_id"), event)

    def late(self) -> dict[str, Event]:
        """Return the answers whose requests are of no day that was read."""
        return {name: event for name, event in self.answered.items() if name not in self.asked}

    def _once(self, known: dict[str, Any], name: str, event: Any) -> None:
        if name in known:
            self.faults["repeated_id"] += 1
        else:
            known[name] = event


@dataclass(frozen=True, slots=True)
class Names:
    """What turns the log's names into ids: of people, who are the owner if unnamed; of adapters."""

    pseudonym: Callable[[str], str]
    owner: str
    adapters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """The rows of each day that is to be written, what their logs were, and what was counted."""

    rows: dict[date, list[Row]]
    made_from: dict[date, str]
    faults: Counter[str]
    forgotten: int


def stale(lake: Lake, settings: Settings) -> list[date]:
    """Return the days whose log is not what their rows were made from, oldest first."""
    return [
        day
        for day in _days(settings)
        if not lake.is_made_from(TABLE, day, fingerprints.answers(settings, day))
    ]


def take(lake: Lake, settings: Settings) -> Taken:
    """Read the log from its first stale day on; return the rows of these days.

    And of earlier ones that have a request which is answered only now.
    """
    log, made_from = Log(), {}
    first = next(iter(stale(lake, settings)), None)
    for day in _days(settings):
        if first and day >= first:
            made_from[day] = fingerprints.answers(settings, day)  # before it grows on
            log.read(_path(settings, day), day)
    found, forgotten = _kept(rows_of(log, _names(lake, settings)), _forgotten(lake))
    earlier, late = _answered_late(lake, log)
    rows = {day: found.get(day, []) for day in made_from} | earlier
    made_from |= {day: fingerprints.answers(settings, day) for day in earlier}
    return Taken(rows, made_from, log.faults + late + _missing(rows), forgotten)


def rows_of(log: Log, names: Names) -> dict[date, list[Row]]:
    """Return the log's requests as rows of `deployments_answers`, by the day of the request."""
    found: dict[date, list[Row]] = defaultdict(list)
    for name, (day, asked) in log.asked.items():
        conversation, adapter = id_from(asked, "conversation_id"), text_from(asked, "adapter")
        listed = asked.get("memories")
        row = {
            "answer_id": name,
            "conversation_id": conversation,
            "dialogue_id": gateway.dialogue_id(conversation),
            "user_id": names.pseudonym(text_from(asked, "user") or names.owner),
            "served_name": adapter,
            "adapter_id": names.adapters.get(adapter),
            **ended(log.answered.get(name)),
            "memories": [str(m) for m in listed if m] if isinstance(listed, list) else [],
            "asked_at": moment_from(asked.get("at")),
        }
        found[day].append(row)
    return {day: sorted(rows, key=lambda row: row["answer_id"]) for day, rows in found.items()}


def ended(answer: Event | None) -> Row:
    """Return how an answer ended, null where its line does not tell; None for one never given."""
    if answer is None:
        return {"finish": UNANSWERED, **dict.fromkeys((*TOLD, "cached"))}
    tokens, cached = answer.get("tokens"), answer.get("cached")
    used = tokens if isinstance(tokens, Mapping) else {}
    return {
        "finish": text_from(answer, "finish"),
        "prompt_tokens": _whole_number(used.get("prompt_tokens")),
        "completion_tokens": _whole_number(used.get("completion_tokens")),
        "seconds": _seconds(answer.get("seconds")),
        "first_seconds": _seconds(answer.get("first_seconds")),
        "cached": cached if isinstance(cached, bool) else None,
    }


def knows(lake: Lake, user_id: str) -> bool:
    """Say whether there is a row of a person."""
    return bool(lake.rows(TABLE, columns="1", where=_of(user_id)))


def forget(lake: Lake, user_id: str, by: Provenance) -> int:
    """Delete the rows of a person, and the files that hold them; return how many there were.

    The log still holds the lines: what is noted in `embeddings_forgotten` keeps them out.
    """
    gone = lake.delete(TABLE, where=_of(user_id), by=by)
    if gone:
        lake.vacuum(TABLE, retention_hours=0)
    return gone


def _of(user_id: str) -> str:
    return f"user_id = '{require_id(user_id, 'pseudonym')}'"


def _days(settings: Settings) -> list[date]:
    return [day for day in inbox.days(settings.inbox) if _path(settings, day).is_file()]


def _path(settings: Settings, day: date) -> Path:
    return path_of(settings.inbox, day)


def _names(lake: Lake, settings: Settings) -> Names:
    trained = [row["adapter_id"] for row in lake.rows("adapters_versions", columns="adapter_id")]
    pseudonym = cache(partial(user_id_of, key=pseudonym_key(settings.home)))
    adapters = {served_name(adapter_id): adapter_id for adapter_id in trained} | {BASE: ""}
    return Names(pseudonym, settings.owner, adapters)


def _forgotten(lake: Lake) -> dict[str, datetime]:
    """Return until when each person was forgotten."""
    words = lake.rows(FORGOTTEN, where=f"kind = '{EVERYTHING}'")
    return {w["user_id"]: w["forgotten_at"] for w in sorted(words, key=itemgetter("forgotten_at"))}


def _kept(
    found: Mapping[date, list[Row]], until: Mapping[str, datetime]
) -> tuple[dict[date, list[Row]], int]:
    """Return the rows without those of people who were forgotten since, and how many these are."""

    def is_kept(row: Row) -> bool:
        word, asked = until.get(row["user_id"]), row["asked_at"]
        return word is None or (asked is not None and asked > word)

    kept = {day: [row for row in rows if is_kept(row)] for day, rows in found.items()}
    return kept, sum(map(len, found.values())) - sum(map(len, kept.values()))


def _answered_late(lake: Lake, log: Log) -> tuple[dict[date, list[Row]], Counter[str]]:
    """Return the rows of earlier days of which one was answered only now; count the orphans."""
    late = log.late()
    if not late:
        return {}, Counter()
    known = lake.rows(TABLE, columns="answer_id, day, finish")
    of_day = {row["answer_id"]: row["day"] for row in known if row["answer_id"] in late}
    waiting = {r["day"] for r in known if r["finish"] == UNANSWERED and r["answer_id"] in of_day}
    rows = {day: lake.rows(TABLE, where=f"day = DATE '{day}'") for day in sorted(waiting)}
    for row in (row for of in rows.values() for row in of):
        if row["finish"] == UNANSWERED and row["answer_id"] in late:
            row.update(ended(late[row["answer_id"]]))
    orphans = len(late) - len(of_day)
    return rows, Counter({"orphan_answer": orphans} if orphans else {})


def _missing(rows: Mapping[date, list[Row]]) -> Counter[str]:
    """Count the fields that lines do not tell; what was cut or given again need not tell all."""
    found: Counter[str] = Counter()
    for row in (row for of in rows.values() for row in of):
        whole = row["finish"] not in ("cut", "failed", UNANSWERED) and not row["cached"]
        wanted = ("served_name", "finish", "asked_at", *(TOLD if whole else ()))
        found.update(f"no_{name}" for name in wanted if row[name] in (None, ""))
    return found


def _whole_number(value: object) -> int | None:
    """Return a count, None for anything else and for one that no column holds."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < MOST else None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < MOST else None
