"""self_chats: dialogues the model held with itself, from the day's dialogues, kept or dropped."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets import exams, fingerprints, plots, reporting
from assets.lineage import adapter_folder, champion
from assets.partitions import DAYS
from assets.records import chat_of
from lake import warehouse
from lake.ids import content_id
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models import self_chat
from models.backends.embedded import TransformersModel


@dg.multi_asset(
    name="self_chats",
    specs=[
        dg.AssetSpec(
            "self_chats_dialogues",
            deps=["cleaned_dialogues", "base_model"],
            kinds={"delta"},
            description="One dialogue the model held with itself, accepted by the filters.",
        ),
        dg.AssetSpec(
            "self_chats_dropped",
            deps=["cleaned_dialogues", "base_model"],
            kinds={"delta"},
            description="One dialogue the model held with itself, refused with a reason.",
        ),
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
    rows = fingerprints.talked_over(lake, day)
    talked = _talk(lake, settings, base, [_seed(row) for row in rows])
    dropped = [_dropped_row(chat) for chat in talked if not chat.kept]
    version = lake.replace("self_chats_dropped", dropped, day=day, made_from=made_from, by=by)
    yield reporting.materialized(
        "self_chats_dropped",
        len(dropped),
        version,
        fingerprint=made_from,
        preview=reporting.preview(dropped, ["method", "reason", "messages"]),
    )
    kept = [_kept_row(chat) for chat in talked if chat.kept]
    version = lake.replace("self_chats_dialogues", kept, day=day, made_from=made_from, by=by)
    warehouse.publish(lake)
    fates = Counter(chat.reason or f"kept: {chat.method}" for chat in talked)
    yield reporting.materialized(
        "self_chats_dialogues",
        len(kept),
        version,
        fingerprint=made_from,
        funnel=plots.bars(fates, "what became of the self-chats") if fates else {},
        preview=reporting.preview(kept, ["method", "generator", "messages"]),
    )


def _talk(
    lake: Lake, settings: Settings, base: bases.BaseModel, seeds: list[self_chat.Seed]
) -> list[self_chat.SelfChat]:
    if not seeds or not settings.self_chats_per_day:
        return []
    speaker = champion(lake, base.base_id)
    folder = adapter_folder(settings, speaker) if speaker else None
    model = TransformersModel(base.path, folder)
    report = reporting.progress("self_chats")
    plan = self_chat.Plan(max_seeds=settings.self_chats_per_day)
    return self_chat.generate(
        model,
        seeds,
        plan,
        lambda _, done, total: report(done, total),
        exam=exams.asked(lake, settings),
    )


def _seed(row: dict[str, Any]) -> self_chat.Seed:
    turns = tuple((m["role"], m["content"]) for m in chat_of(row))
    return self_chat.Seed(row["dialogue_id"], turns)


def _dropped_row(chat: self_chat.SelfChat) -> dict[str, Any]:
    return {**_common(chat), "reason": chat.reason}


def _kept_row(chat: self_chat.SelfChat) -> dict[str, Any]:
    said = [part for turn in chat.messages for part in turn]
    return {
        **_common(chat),
        "revision": content_id(*said),
        "ancestry_depth": chat.ancestry_depth,
        "turns": sum(role == "assistant" for role, _ in chat.messages),
    }


def _common(chat: self_chat.SelfChat) -> dict[str, Any]:
    return {
        "dialogue_id": content_id(
            "self_chat", chat.method, chat.generator, chat.parent_dialogue_id, str(chat.seed)
        ),
        "method": chat.method,
        "generator": chat.generator,
        "parent_dialogue_id": chat.parent_dialogue_id,
        "seed": chat.seed,
        "messages": [
            {"message_id": "", "role": role, "content": content, "created_at": None}
            for role, content in chat.messages
        ],
    }
