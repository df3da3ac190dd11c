"""`steppe self-chat`: sessions of self-chat, and a person's word on them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click

from assets import moderation, self_chats, sessions
from lake.settings import Settings
from lake.tables import Lake
from models.adapters import served_name
from orchestration import answers, turn

SHOWN = (
    *("day", "state", "reason", "begun", "kept", "tokens", "seconds", "distinct_2", "topics"),
    *("past", "synthetic", "refusals", "russian", "decided_by"),
)


def status(settings: Settings, *, shape: str) -> None:
    """Print every session and every word, newest last; on standard error what stands."""
    lake, now = Lake(settings.home), datetime.now(UTC)
    rows = lake.arrow(sessions.TABLE).sort_by("held_at").select(SHOWN)
    if shape == "table":  # a cell would cut a reason: each has its own line
        answers.give(rows.drop_columns(["reason"]), shape)
        for row in rows.to_pylist():
            if row["reason"]:
                click.echo(f"{row['day']} {row['state']}: {row['reason']}")
    else:
        answers.give(rows, shape)
    tokens, seconds = sessions.spent(lake, now.date())
    chosen = settings.self_chat
    stands = sessions.why_not(lake, settings, now) or "the next session may begin"
    click.echo(
        f"{stands}; today {tokens} of {chosen.tokens_per_day} tokens, "
        f"{seconds:.0f} of {chosen.seconds_per_day:.0f} s",
        err=True,
    )


def run(settings: Settings) -> str:
    """Hold one session in a run of its own; return what became of it."""
    moderation.of(settings)  # a line or a hook that cannot be used is told before a base is grown
    lake = Lake(settings.home)
    if reason := sessions.why_not(lake, settings, datetime.now(UTC)):
        return f"no session: {reason}"
    turn.materialize(settings, [self_chats.SESSIONS])
    newest = max(lake.rows(sessions.TABLE), key=lambda row: row["held_at"])
    told = f"{newest['begun']} dialogues begun, {newest['kept']} kept, {newest['tokens']} tokens"
    return f"{newest['state']}: {newest['reason'] or told}"


def say(settings: Settings, state: str, reason: str) -> str:
    """Record a hold or its end, also while the loop or a session is at work.

    A session that has begun ends first: it is short, and no other follows.
    """
    sessions.say(Lake(settings.home), state, reason)
    return f"self-chat is {state}"


def forget(settings: Settings, day: date, reason: str) -> str:
    """Delete a day's sessions; name the adapters that had learned from them."""
    lake = Lake(settings.home)
    with turn.only_one(settings):
        taught = sessions.taught_by(lake, day)
        gone = sessions.forget(lake, day, reason)
    if taught:
        names = ", ".join(served_name(adapter_id) for adapter_id in taught)
        click.echo(f"learned from them already: {names}; `steppe hold` keeps one back", err=True)
    return f"{gone} dialogues of {day} are deleted"
