"""self_chats: dialogues the model held with itself, from the day's dialogues, kept or dropped."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from assets import feedback, fingerprints, plots, reporting, sessions, talks
from assets.partitions import DAYS
from lake import warehouse
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models.self_chat import SelfChat, generation

SESSIONS = "self_chats_sessions"
FEEDBACK = "self_chats_feedback"
CHOICES = feedback.TABLE
SPECS = {
    "self_chats_dropped": "One dialogue the model held with itself, refused with a reason.",
    "self_chats_preferences": "One choice between two answers that a method or a judge made.",
    "self_chats_dialogues": "One dialogue the model held with itself, accepted by the filters.",
}


@dg.multi_asset(
    name="self_chats",
    specs=[
        dg.AssetSpec(
            name, deps=["cleaned_dialogues", "base_model"], kinds={"delta"}, description=told
        )
        for name, told in SPECS.items()
    ],
    group_name="self_chats",
    partitions_def=DAYS,
)
def self_chats(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Let the champion, or the bare base, talk over a day's dialogues of the split `train`."""
    day = reporting.day_of(context)
    base = bases.ensure_base(settings.base_model, settings.models_dir)
    made_from = fingerprints.self_chats(lake, settings, day, base.base_id)
    by = reporting.provenance(context, "self_chats", fingerprints.SELF_CHATS_CODE)
    of_day = talks.Talks(lake, settings, base, day)
    journal = settings.home / "journals" / f"night-{day}"
    talked = _talk(of_day, journal)
    rows = _rows(talked)
    shown = _shown(talked, rows)
    with talks.writing(settings):
        for table in SPECS:
            others = lake.rows(table, where=f"day = DATE '{day}' and {talks.OTHERS[table]}")
            kept = [*rows[table], *others]
            version = lake.replace(table, kept, day=day, made_from=made_from, by=by)
            yield reporting.materialized(
                table, len(rows[table]), version, fingerprint=made_from, **shown[table]
            )
    generation.forget(journal)
    warehouse.publish(lake)


def _talk(of_day: talks.Talks, journal: Path) -> list[SelfChat]:
    told = fingerprints.talked_over(of_day.lake, of_day.day)
    depth = talks.depth_of_champion(of_day.lake, of_day.base)
    report = reporting.progress("self_chats")
    plan = talks.plan_of(of_day.settings, depth=depth)
    seeds = of_day.seeds(told, plan.seed)
    return of_day.hold(seeds, plan, lambda _, done, total: report(done, total), journal=journal)


def _rows(talked: list[SelfChat]) -> dict[str, list[dict[str, Any]]]:
    now = datetime.now(UTC)
    return {
        "self_chats_dropped": [talks.dropped_row(c) for c in talked if not c.kept],
        "self_chats_preferences": [r for c in talked for r in talks.preference_rows(c, now)],
        "self_chats_dialogues": [talks.kept_row(c) for c in talked if c.kept],
    }


def _shown(
    talked: list[SelfChat], rows: dict[str, list[dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    fates = Counter(chat.reason or f"kept: {chat.method}" for chat in talked)
    columns = {
        "self_chats_dropped": ["method", "reason", "messages"],
        "self_chats_preferences": ["origin", "prompt", "chosen", "rejected"],
        "self_chats_dialogues": ["method", "generator", "messages"],
    }
    shown: dict[str, dict[str, Any]] = {
        table: {"preview": reporting.preview(rows[table], columns[table])} for table in SPECS
    }
    shown["self_chats_dialogues"]["tokens_written"] = sum(chat.tokens for chat in talked)
    if fates:
        funnel = plots.bars(fates, "what became of the self-chats")
        shown["self_chats_dialogues"]["funnel"] = funnel
    return shown


@dg.asset(
    name=FEEDBACK,
    group_name="self_chats",
    kinds={"delta"},
    deps=["raw_records"],
)
def self_chats_feedback(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """Take what people said of answers out of the gateway's log, into `self_chats_preferences`."""
    by = reporting.provenance(context, "self_chats", fingerprints.SELF_CHATS_CODE)
    with talks.writing(settings):
        rows = feedback.waiting(lake, settings)
        lake.append(CHOICES, rows, day=datetime.now(UTC).date(), by=by)
    warehouse.publish(lake)
    told: dict[str, Any] = {"dagster/row_count": len(rows), "delta_version": lake.version(CHOICES)}
    return dg.MaterializeResult(metadata=told | Counter(row["origin"] for row in rows))


@dg.asset(
    name=SESSIONS,
    group_name="self_chats",
    kinds={"delta"},
    deps=["cleaned_dialogues", "base_model"],
    pool="self_chats",
)
def self_chats_sessions(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """Hold one session of self-chat by itself, within the day's budget; pause it on a bad sign."""
    base = bases.ensure_base(settings.base_model, settings.models_dir)
    report = reporting.progress("self_chats")
    with talks.writing(settings):
        now = datetime.now(UTC)  # what was said while this waited is known here
        if reason := sessions.why_not(lake, settings, now):
            return reporting.as_it_is(lake, SESSIONS, fingerprint="", reason=reason)
        row = sessions.hold_one(
            lake, settings, base, now, lambda _, done, total: report(done, total)
        )
    if row["state"] == "paused":
        context.log.warning(f"self-chat is paused: {row['reason']}")
    told = {name: value for name, value in row.items() if value is not None and name != "held_at"}
    return reporting.materialized(SESSIONS, 1, lake.version(SESSIONS), **told)
