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
from pathlib import Path
from typing import Any

from assets import talks
from assets.fingerprints import OWN_ANSWERS
from lake import query, warehouse
from lake.errors import SettingsError, SteppeError
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake, Provenance
from models import base as bases
from models.self_chat import Plan, Seed, SelfChat, generation, monitors
from models.self_chat import journal as journals

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
TALKED_OVER = (
    "from stg_dialogues where split = 'train' and source != ? "
    "and coalesce(consent, 'granted') = 'granted'"
)
Row = dict[str, Any]


def why_not(lake: Lake, settings: Settings, now: datetime) -> str:
    """Return why no session may begin, or an empty string."""
    if stopped := standing(lake):
        return f"{stopped['state']}: {stopped['reason']}"
    if not talks.plan_of(settings).draws:
        return "no method of self-chat is drawn: `self_chat.methods`, `self_chats_per_day`"
    if not has_questions(lake):
        return "there is no question with an answer to talk over: `steppe ingest`, `steppe grow`"
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
    day = talks.Talks(lake, settings, base, now.date() + timedelta(days=1))
    journal, started = settings.home / "journals" / session_id, time.monotonic()
    try:
        bounds = monitors.load(settings.self_chat.bounds)  # before anything is said
        plan = plan_of(lake, settings, base, now, number)
        seeds = day.seeds(talked_over(lake), plan.seed)
        talked = day.hold(seeds, plan, progress, journal=journal)
    except Exception as error:
        took = time.monotonic() - started
        _record_failure(lake, error, number, journal=journal, now=now, took=took)
        raise
    signs = signs_of(lake, talked, seeds)
    crossed = monitors.crossed(watched(lake, talked, seeds, signs, bounds), bounds)
    took = time.monotonic() - started
    closed = now + timedelta(seconds=took)  # a word said meanwhile stands before it
    row = {
        **_word("paused" if crossed else "done", crossed, MONITOR, closed),
        **asdict(signs),
        "session_id": session_id,
        "number": number,
        "generator": talked[0].generator if talked else "",
        "kept": 0 if crossed else signs.kept,
        "tokens": max(0, sum(chat.tokens for chat in talked) - billed(lake, number)),
        "seconds": took,
    }
    _write(lake, [_stopped(chat, crossed) for chat in talked], session_id, now)
    lake.append(TABLE, [row], day=now.date(), by=BY)
    generation.forget(journal)
    warehouse.publish(lake)
    return row


def billed(lake: Lake, number: int) -> int:
    """Return the tokens of a session that were billed when it failed: it goes on from there."""
    rows = lake.rows(TABLE, columns="tokens", where=f"state = 'failed' and number = {number}")
    return sum(row["tokens"] for row in rows)


def _record_failure(
    lake: Lake, error: Exception, number: int, *, journal: Path, now: datetime, took: float
) -> None:
    """Bill a session that could not be held; what it has said waits in its journal."""
    reason = error.message if isinstance(error, SteppeError) else f"{type(error).__name__}: {error}"
    row = _word("failed", reason, MONITOR, now + timedelta(seconds=took))
    tokens = max(0, journals.tokens(journal) - billed(lake, number))
    bill = {"number": number, "tokens": tokens, "seconds": took}
    lake.append(TABLE, [{**row, **bill}], day=now.date(), by=BY)
    warehouse.publish(lake)


def watched(
    lake: Lake,
    talked: Sequence[SelfChat],
    seeds: Sequence[Seed],
    signs: monitors.Signs,
    bounds: monitors.Bounds,
) -> monitors.Signs:
    """Return the signs to hold against the bounds: of this session, or of the last ones together.

    A session too short to be judged alone is judged with those before it, back to the last word.
    """
    earlier = said_lately(lake, bounds.min_begun - signs.begun)
    return signs_of(lake, [*earlier, *talked], seeds) if earlier else signs


def said_lately(lake: Lake, wanted: int) -> list[SelfChat]:
    """Return what the last sessions since a pause, a hold or its end said: so many, or all."""
    found: list[SelfChat] = []
    for row in sorted(lake.rows(TABLE, where="state != 'forgotten'"), key=_moment, reverse=True):
        if len(found) >= wanted or row["state"] not in ("done", "failed"):
            break
        where = f"session_id = '{row['session_id']}'"  # a failed one wrote nothing
        for table in ("self_chats_dialogues", "self_chats_dropped"):
            found += map(talks.told_of, lake.rows(table, where=where))
    return found


def signs_of(lake: Lake, talked: Sequence[SelfChat], seeds: Sequence[Seed]) -> monitors.Signs:
    """Return what words show, beside what the lake has already; the seeds are those they are of."""
    human, synthetic = letters(lake)
    parents = {parent for chat in talked for parent in chat.parents}
    return monitors.read(
        talked,
        [seed for seed in seeds if seed.dialogue_id in parents],
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


def has_questions(lake: Lake) -> bool:
    """Return whether any of these dialogues asks something; greetings are nothing to talk over."""
    asked = (
        f"select 1 {TALKED_OVER} and len(list_filter(messages, "
        "lambda m: m.role = 'user' and not rtrim(m.content) like '%!')) > 0 limit 1"
    )
    return bool(query.ask(lake, asked, [OWN_ANSWERS]))


def talked_over(lake: Lake) -> list[Row]:
    """Return every dialogue that self-chat may start from: none without consent."""
    return query.ask(lake, f"{TALKED_OVER} order by dialogue_id, revision", [OWN_ANSWERS])


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
    """Return the adapters that learned what a day's sessions said, or grew from one that did."""
    asked = "select adapter_id from stg_self_chat_pupils where day = ? order by adapter_id"
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
