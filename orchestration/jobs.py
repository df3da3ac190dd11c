"""Named selections, and the clock for the night's self-chat."""

from typing import Any

import dagster as dg

from assets import raw, self_chats
from assets.partitions import DAYS

BY_DAY = ("raw", "cleaned", "embeddings", "self_chats")
NIGHT_HOUR = 3

INTAKE = dg.define_asset_job(
    "intake",
    selection=dg.AssetSelection.assets(*raw.SPECS),
    partitions_def=DAYS,
    description="Read a day's inbox; cleaning and embedding follow by themselves.",
)
SELF_CHAT = dg.define_asset_job(
    "self_chat",
    selection=dg.AssetSelection.assets(*self_chats.SPECS),
    partitions_def=DAYS,
    description="Let the model talk over a day's dialogues.",
)
SESSION = dg.define_asset_job(
    "self_chat_session",
    selection=dg.AssetSelection.assets(self_chats.SESSIONS),
    description="Hold one session of self-chat by itself, within the day's budget.",
)
TRAINING = dg.define_asset_job(
    "training",
    selection=dg.AssetSelection.groups("adapters", "evaluations", "deployments"),
    description="Freeze a training set, learn an adapter, judge it, serve it if it passes.",
)


def nightly(status: dg.DefaultScheduleStatus) -> Any:
    """Return the schedule that holds yesterday's self-chats at night."""
    return dg.build_schedule_from_partitioned_job(
        SELF_CHAT, name="nightly_self_chat", hour_of_day=NIGHT_HOUR, default_status=status
    )
