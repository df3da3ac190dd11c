"""Self-chat that runs by itself: short sessions within a day's budget, watched and stoppable.

A session talks over dialogues of any day, writes into today's partition under its own id, and
closes with one row of `self_chats_sessions`.  Only a session whose row says `done` may teach.  One
that crosses a bound is `paused`: nothing of it is kept, and no other begins until a person says
`resumed`.  A session that was killed is simply held again: its number, seeds and id are the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from assets import talks
from assets.fingerprints import OWN_ANSWERS
from lake import query, warehouse
from lake.errors import SettingsError, SteppeError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models import base as bases
from models.self_chat import Plan, Seed, SelfChat, monitors

TABLE = "self_chats_sessions"
TALKED = tuple(talks.OTHERS)
HELD = ("done", "paused", "failed")
"""States of a session; `held`, `resumed` and `forgotten` are a person's words."""
FAILURES = 3
"""Sessions that fail one after the other before no further one begins."""
PERSON, MONITOR = "person", "monitor"
BY = Provenance("self_chats")
DRAWS = 1000
"""Numbers of draws that a session has for itself: no two sessions share one."""
Row = dict[str, Any]


def why_not(lake: Lake, settings: Settings, now: datetime) -> str:
    """Return why no session may begin, or an empty string."""
    if stopped := standing(lake):
        return f"{stopped['state']}: {stopped['reason']}"
    if not talks.plan_of(settings).draws:
        return "no method of self-chat is drawn: `self_chat.methods`, `self_chats_per_day`"
    if not talked_over(lake):
        return "there is no dialogue to talk over yet: `steppe ingest`, `steppe grow`"
    tokens, seconds = spent(lake, now.date())
    chosen = settings.self_chat
    if tokens >= chosen.tokens_per_day:
        return f"the day's budget is spent: {tokens} tokens of {chosen.tokens_per_day}"
    if seconds >= chosen.seconds_per_day:
        return f"the day's budget is spent: {seconds:.0f} seconds of {chosen.seconds_per_day:.0f}"
    return ""


def standing(lake: Lake) -> Row | None:
    """Return the row that stops self-chat: a pause, a hold, or failures that nobody took back.

    A session that was under way when a person said `held` ends after that word, and does not
    take it back: only `resumed` does.
    """
    rows = sorted(lake.rows(TABLE, where="state != 'forgotten'"), key=_moment)
    words = [row for row in rows if row["state"] in ("paused", "held", "resumed")]
    if words and words[-1]["state"] != "resumed":
        return words[-1]
    last = rows[-FAILURES:]
    failed = len(last) == FAILURES and all(row["state"] == "failed" for row in last)
    return last[-1] if failed else None


def spent(lake: Lake, day: date) -> tuple[int, float]:
    """Return the tokens and seconds that the day's sessions took, paused ones too."""
    rows = lake.rows(TABLE, where=f"day = DATE '{day}' and state in {HELD}")
    return sum(r["tokens"] for r in rows), sum(r["seconds"] for r in rows)


def hold_one(
    lake: Lake,
    settings: Settings,
    base: bases.BaseModel,
    now: datetime,
    progress: talks.Progress | None = None,
) -> Row:
    """Hold the next session; return its row of `self_chats_sessions`, which is written last."""
    number = len(lake.rows(TABLE, columns="session_id", where="state in ('done', 'paused')"))
    session_id = content_id("session", base.base_id, str(number))
    _delete_unfinished(lake)
    bounds = monitors.load(settings.self_chat.bounds)  # before anything is said
    plan, started = plan_of(lake, settings, base, now, number), time.monotonic()
    day = talks.Talks(lake, settings, base, now.date() + timedelta(days=1))
    seeds = day.seeds(talked_over(lake), plan.seed)
    try:
        talked = day.hold(seeds, plan, progress)
    except SteppeError as error:
        _record_failure(lake, error, now, time.monotonic() - started)
        raise
    parents = {parent for chat in talked for parent in chat.parents}
    signs = signs_of(lake, talked, [s for s in seeds if s.dialogue_id in parents])
    crossed = monitors.crossed(signs, bounds)
    took = time.monotonic() - started
    closed = now + timedelta(seconds=took)  # a word said meanwhile stands before it
    row = {
        **_word("paused" if crossed else "done", crossed, MONITOR, closed),
        **asdict(signs),
        "session_id": session_id,
        "number": number,
        "generator": talked[0].generator if talked else "",
        "kept": 0 if crossed else signs.kept,
        "tokens": sum(chat.tokens for chat in talked),
        "seconds": took,
    }
    _write(lake, [_stopped(chat, crossed) for chat in talked], session_id, now)
    lake.append(TABLE, [row], day=now.date(), by=BY)
    day.written()
    warehouse.publish(lake)
    return row


def _record_failure(lake: Lake, error: SteppeError, now: datetime, took: float) -> None:
    """Bill a session that could not be held; what it has said waits in its journal."""
    row = _word("failed", error.message, MONITOR, now + timedelta(seconds=took))
    lake.append(TABLE, [{**row, "seconds": took}], day=now.date(), by=BY)
    warehouse.publish(lake)


def signs_of(lake: Lake, talked: Sequence[SelfChat], seeds: Sequence[Seed]) -> monitors.Signs:
    """Return what a session's words show, beside what the lake has already."""
    human, synthetic = letters(lake)
    return monitors.read(
        talked,
        seeds,
        asked_before=asked_by_itself(lake),
        letters_of_people=human,
        letters_of_models=synthetic,
    )


def plan_of(
    lake: Lake, settings: Settings, base: bases.BaseModel, now: datetime, number: int
) -> Plan:
    """Return a session's plan: other seeds and draws than the session before, within the budget."""
    tokens, seconds = spent(lake, now.date())
    chosen = settings.self_chat
    left = chosen.tokens_per_day - tokens
    depth = talks.depth_of_champion(lake, base)
    return replace(
        talks.plan_of(settings, seed=DRAWS * (number + 1), depth=depth),
        max_seeds=chosen.seeds_per_session,
        max_tokens=max(1, min(chosen.tokens_per_session, left)),
        max_seconds=max(1.0, chosen.seconds_per_day - seconds),
    )


def talked_over(lake: Lake) -> list[Row]:
    """Return every dialogue that self-chat may start from: none without consent."""
    return query.ask(
        lake,
        "from stg_dialogues where split = 'train' and source != ? "
        "and coalesce(consent, 'granted') = 'granted' order by dialogue_id, revision",
        [OWN_ANSWERS],
    )


def asked_by_itself(lake: Lake) -> list[str]:
    """Return what earlier sessions asked, kept or not."""
    asked = (
        "select distinct m.content from (select session_id, unnest(messages) as m from {}) "
        "where m.role = 'user' and session_id != ''"
    )
    both = " union ".join(asked.format(table) for table in TALKED[:2])
    return [row["content"] for row in query.ask(lake, both)]


def letters(lake: Lake) -> tuple[int, int]:
    """Return how many letters of people's dialogues, and of the model's own, may teach."""
    counted = "select coalesce(sum(len(m.content)), 0) as n from (select unnest(messages) as m from"
    fit = f"{counted} stg_training_candidates where reason = '' and source_table = ?)"
    tables = ("cleaned_dialogues", "self_chats_dialogues")
    people, models = (int(query.ask(lake, fit, [table])[0]["n"]) for table in tables)
    return people, models


def say(lake: Lake, state: str, reason: str, *, now: datetime | None = None) -> Row:
    """Record a person's word on self-chat by itself: `held` or `resumed`."""
    row = _word(state, reason, PERSON, now or datetime.now(UTC))
    lake.append(TABLE, [row], day=row["held_at"].date(), by=BY)
    warehouse.publish(lake)
    return row


def forget(lake: Lake, day: date, reason: str) -> int:
    """Delete what the sessions of a day said; return how many dialogues that were.

    Their rows in `self_chats_sessions` stay, with a word that says what became of them.
    """
    if not lake.rows(TABLE, where=f"day = DATE '{day}' and state in ('done', 'paused')"):
        raise SettingsError(
            f"No session of self-chat was held on {day}.", hint="`steppe self-chat status`"
        )
    gone = _delete(lake, f"day = DATE '{day}' and session_id != ''")
    dialogues = gone["self_chats_dialogues"] + gone["self_chats_dropped"]
    say(lake, "forgotten", f"{day}, {dialogues} dialogues: {reason or 'no reason given'}")
    return dialogues


def taught_by(lake: Lake, day: date) -> list[str]:
    """Return the adapters that learned from what the sessions of a day said, oldest first."""
    asked = """
        with said as (
            select dialogue_id as said_id from self_chats_dialogues
            where day = $1 and session_id != ''
            union all
            select preference_id from self_chats_preferences where day = $1 and session_id != ''
        )
        select adapter_id from adapters_versions where training_set_id in (
            select training_set_id from adapters_training_sets
            where source_table in ('self_chats_dialogues', 'self_chats_preferences')
            and dialogue_id in (from said)
        ) order by created_at
    """
    return [row["adapter_id"] for row in query.ask(lake, asked, [day])]


def _stopped(chat: SelfChat, crossed: str) -> SelfChat:
    """Return a dialogue as it may be kept: not at all where a bound was crossed."""
    if not crossed:
        return chat
    return replace(
        chat, reason=chat.reason or f"paused:{crossed.split(maxsplit=1)[0]}", preferences=()
    )


def _write(lake: Lake, talked: Sequence[SelfChat], session_id: str, now: datetime) -> None:
    rows = {
        "self_chats_dialogues": [talks.kept_row(c, session_id) for c in talked if c.kept],
        "self_chats_dropped": [talks.dropped_row(c, session_id) for c in talked if not c.kept],
        "self_chats_preferences": [
            row for c in talked for row in talks.preference_rows(c, now, session_id)
        ],
    }
    for table in TALKED:
        lake.append(table, rows[table], day=now.date(), by=BY)


def _delete(lake: Lake, where: str) -> dict[str, int]:
    return {table: lake.delete(table, where=where, by=BY) for table in TALKED}


def _delete_unfinished(lake: Lake) -> None:
    """Delete what a session said that was killed before it closed."""
    asked = (
        "select distinct session_id from {} where session_id != '' "
        "and session_id not in (select session_id from self_chats_sessions)"
    )
    for row in query.ask(lake, " union ".join(asked.format(table) for table in TALKED)):
        _delete(lake, f"session_id = '{row['session_id']}'")


def _word(state: str, reason: str, who: str, now: datetime) -> Row:
    empty = dict.fromkeys(monitors.Signs.__slots__)
    return {
        **empty,
        "session_id": content_id("word", state, now.isoformat(), reason),
        "state": state,
        "reason": reason,
        "decided_by": who,
        "number": None,
        "generator": "",
        "tokens": 0,
        "seconds": 0.0,
        "held_at": now,
    }


def _moment(row: Row) -> datetime:
    at: datetime = row["held_at"]
    return at
