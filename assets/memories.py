"""embeddings, beneath the stage: what is remembered of each person, from what they told."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets import forgetting, observing, remembering, reporting
from lake import warehouse
from lake.memories import Memories
from lake.settings import Settings
from lake.tables import Lake
from models import base as bases
from models.encoders import load_encoder

SPECS = {
    "embeddings_observations": "One fact read in a dialogue, or a turn passed over, with a reason.",
    "embeddings_memories": "What is remembered of each person, merged, with its sources.",
}
SHOWN = 5


@dg.multi_asset(
    name="memories",
    specs=[
        dg.AssetSpec(
            "embeddings_observations",
            deps=["embeddings_messages", "base_model"],
            kinds={"delta"},
            description=SPECS["embeddings_observations"],
        ),
        dg.AssetSpec(
            "embeddings_memories",
            deps=["embeddings_messages", "embeddings_observations"],
            kinds={"lancedb"},
            description=SPECS["embeddings_memories"],
        ),
    ],
    group_name="embeddings",
)
def memories(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Read what is new of granted dialogues, then remember anew whoever said it."""
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
    base = bases.find_base(settings.base_model, settings.models_dir)
    reader = observing.reader_of(settings, lake, base)
    by = reporting.provenance(context, "memories", remembering.CODE)
    with observing.lock(settings.home):
        stale = observing.stale_days(lake, settings, reader.reader_id)
        read = [row for day in stale for row in observing.read_day(lake, settings, day, reader, by)]
        forgetting.carry_out(lake)
        yield _told_of_reading(lake, read, days=len(stale))
        remembered = Memories(settings.home)
        written = remembering.consolidate(lake, remembered, settings, reader, encoder)
        yield _told_of_memories(written, encoder.encoder_id, remembered)
    if stale:
        warehouse.publish(lake)


@dg.asset_check(
    asset="embeddings_memories",
    name="assert_memories_have_sources_of_their_own_person",
    description="returns every memory whose sources are not there, or are somebody else's",
    blocking=True,
)
def memories_have_sources(
    lake: dg.ResourceParam[Lake], settings: dg.ResourceParam[Settings]
) -> dg.AssetCheckResult:
    """Look at every memory: LanceDB is out of the reach of `sql/checks`."""
    wrong = remembering.without_sources(lake, Memories(settings.home))
    metadata: dict[str, Any] = {"offending": len(wrong)}
    if wrong:
        shown = [{"memory_id": r["memory_id"], "sources": r["sources"]} for r in wrong[:SHOWN]]
        metadata["first"] = dg.MetadataValue.json(shown)
    return dg.AssetCheckResult(passed=not wrong, metadata=metadata)


def _told_of_reading(lake: Lake, rows: list[observing.Row], *, days: int) -> dg.MaterializeResult:
    """Tell what was read: facts and summaries by kind, and how many turns by reason were none."""
    fates = Counter(row["reason"] or f"remembered: {row['kind']}" for row in rows)
    told: dict[str, Any] = {"days_read": days, **dict(sorted(fates.items()))}
    if not days:
        told[reporting.UNCHANGED] = True
    table = observing.OBSERVATIONS
    return reporting.materialized(table, len(rows), lake.version(table), **told)


def _told_of_memories(
    written: dict[str, int], encoder_id: str, remembered: Memories
) -> dg.MaterializeResult:
    told: dict[str, Any] = {
        "people": len(remembered.people()),
        "people_written": len(written),
        "memories_written": sum(written.values()),
        "encoder_id": encoder_id,
    }
    if not written:
        told[reporting.UNCHANGED] = True
    return dg.MaterializeResult("embeddings_memories", metadata=told)
