"""cleaned: dialogues fit to train on, and everything dropped, with its reason."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets import fingerprints, plots, reporting
from assets.partitions import DAYS
from assets.records import dialogue_of, message_row
from lake.errors import CheckFailed
from lake.settings import Settings
from lake.tables import Lake

if TYPE_CHECKING:
    from assets import cleaning


@dg.multi_asset(
    name="cleaned",
    specs=[
        dg.AssetSpec(
            "cleaned_dialogues",
            deps=["raw_records"],
            kinds={"delta"},
            description="One revision of one dialogue, fit to train on.",
        ),
        dg.AssetSpec(
            "cleaned_dropped",
            deps=["raw_records"],
            kinds={"delta"},
            description="What was dropped or removed: rule, reason, excerpt.",
        ),
    ],
    group_name="cleaned",
    partitions_def=DAYS,
)
def cleaned(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Clean a day's records by the policy; each ends kept, or dropped with a reason."""
    from assets import cleaning

    day = reporting.day_of(context)
    policy = cleaning.load_policy()
    made_from = fingerprints.cleaned(settings, day)
    by = reporting.provenance(context, "cleaned", policy.policy_id)
    records = lake.rows("raw_records", where=f"day = DATE '{day}'")
    users = {row["record_id"]: row["user_id"] for row in records}
    result = cleaning.clean(
        [cleaning.Record(row["record_id"], dialogue_of(row)) for row in records],
        seen=_kept_before(lake, day),
        policy=policy,
    )
    _hold_the_count(len(records), result)
    dropped = [_dropped_row(item) for item in result.dropped]
    version = lake.replace("cleaned_dropped", dropped, day=day, made_from=made_from, by=by)
    yield reporting.materialized(
        lake,
        "cleaned_dropped",
        len(dropped),
        version,
        fingerprint=made_from,
        preview=reporting.preview(dropped, ["rule", "reason", "excerpt"]),
    )
    kept = [_kept_row(item, users[item.record_id]) for item in result.kept]
    version = lake.replace("cleaned_dialogues", kept, day=day, made_from=made_from, by=by)
    yield reporting.materialized(
        lake,
        "cleaned_dialogues",
        len(kept),
        version,
        fingerprint=made_from,
        funnel=plots.bars(_funnel(len(records), kept, dropped), "what became of the records"),
        preview=reporting.preview(kept, ["source", "language", "split", "messages"]),
    )


def _hold_the_count(received: int, result: "cleaning.Cleaned") -> None:
    """Raise `CheckFailed` unless every record has exactly one fate; nothing is written then."""
    dropped = sum(item.grain == "dialogue" for item in result.dropped)
    if received != len(result.kept) + dropped:
        raise CheckFailed(
            f"{received} records came in, {len(result.kept)} were kept and {dropped} dropped.",
            hint="a cleaning rule lost or doubled a record: see `assets/cleaning`",
        )


def _kept_before(lake: Lake, day: date) -> set[str]:
    rows = lake.arrow("cleaned_dialogues", columns="revision", where=f"day < DATE '{day}'")
    return set(rows.column("revision").to_pylist())


def _kept_row(item: "cleaning.CleanDialogue", user_id: str) -> dict:
    messages = [message_row(m) for m in item.dialogue.messages]
    return {
        "dialogue_id": item.dialogue_id,
        "revision": item.revision,
        "record_id": item.record_id,
        "source": item.dialogue.source,
        "conversation_id": item.dialogue.conversation_id,
        "title": item.dialogue.title,
        "user_id": user_id,
        "messages": messages,
        "language": item.language,
        "split": item.split,
        "turns": sum(m["role"] == "assistant" for m in messages),
        "characters": sum(len(m["content"]) for m in messages),
    }


def _dropped_row(item: "cleaning.Dropped") -> dict:
    return {
        "record_id": item.record_id,
        "grain": item.grain,
        "position": item.position,
        "rule": item.rule,
        "reason": item.reason,
        "excerpt": item.excerpt,
        "source": item.source,
    }


def _funnel(received: int, kept: list[dict], dropped: list[dict]) -> dict[str, int]:
    counts = {"received": received, "kept": len(kept)}
    for row in dropped:
        if row["grain"] == "dialogue":
            name = f"dropped: {row['reason']}"
            counts[name] = counts.get(name, 0) + 1
    return counts
