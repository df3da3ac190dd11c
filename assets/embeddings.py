"""embeddings: one vector a turn, its words for Russian full text, and who repeats whom."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets import days, fingerprints, reporting
from assets.paraphrases import paraphrases
from assets.partitions import DAYS
from assets.reporting import Destination
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import DIALOGUES, Vectors, schema
from models.encoders import Encoder, load_encoder

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

TURNS_AT_ONCE = 8192
WHOLE = -1  # the position of a dialogue's own vector
NOBODY = {"role": "", "content": ""}


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "embeddings_messages",
            deps=["cleaned_dialogues"],
            kinds={"lancedb"},
            description="Every turn of a day's dialogues, encoded: what `steppe search` reads.",
        )
    ],
    group_name="embeddings",
    partitions_def=DAYS,
    backfill_policy=days.BACKFILLS,
)
def embeddings_messages(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    vectors: dg.ResourceParam[Vectors],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Encode every turn of a day's dialogues; `steppe search` reads what this wrote."""
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)

    def work(day: date) -> days.Told:
        made_from = fingerprints.embeddings(settings, day, encoder.encoder_id)
        about: dict[str, Any] = {"encoder_id": encoder.encoder_id, "dimensions": encoder.dimensions}
        if vectors.made_from(day) == {made_from}:
            about[reporting.UNCHANGED] = True
        else:
            rows = lake.rows("cleaned_dialogues", where=f"day = DATE '{day}'")
            batches = _batches(rows, encoder, day=day, made_from=made_from)
            about["lance_version"] = vectors.replace(
                batches, day=day, dimensions=encoder.dimensions
            )
            about["dagster/row_count"] = sum(len(r["messages"]) for r in rows)
        version = dg.DataVersion(made_from)
        return [dg.MaterializeResult("embeddings_messages", metadata=about, data_version=version)]

    yield from days.each_day(context, work, lock=settings.home / "locks" / "embeddings")


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "embeddings_duplicates",
            deps=["cleaned_dialogues"],
            kinds={"delta"},
            description="A day's paraphrases of what stays; none unless the setting asks for them.",
        )
    ],
    group_name="embeddings",
    partitions_def=DAYS,
    backfill_policy=days.BACKFILLS,
)
def embeddings_duplicates(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.MaterializeResult]:
    """Find a day's paraphrases of what stays; none unless `semantic_duplicates` is set."""
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
    by = reporting.provenance(context, "embeddings", encoder.encoder_id)
    table = "embeddings_duplicates"

    def work(day: date) -> days.Told:
        made_from = fingerprints.paraphrases(settings, day, encoder.encoder_id)
        into = Destination(lake, day, made_from, by)
        if into.has([table]):
            return [into.unchanged(table)]
        rows = []
        if settings.semantic_duplicates:
            rows = paraphrased(lake, settings, day, encoder, made_from=made_from)
        version = lake.replace(table, rows, day=day, made_from=made_from, by=by)
        return [reporting.materialized(table, len(rows), version, fingerprint=made_from)]

    yield from days.each_day(context, work, lock=settings.home / "locks" / "duplicates", lake=lake)


def paraphrased(
    lake: Lake, settings: Settings, day: date, encoder: Encoder, *, made_from: str
) -> list[dict[str, Any]]:
    """Return the rows of `embeddings_duplicates`, and remember the vectors of what stays.

    The best dialogue stays first, as with near-duplicates.
    """
    rows = lake.rows("cleaned_dialogues", where=f"day = DATE '{day}'")
    rows.sort(key=lambda r: (-r["quality"], r["dialogue_id"], r["revision"]))
    told = encoder.encode(["\n".join(m["content"] for m in r["messages"]) for r in rows])
    whole = Vectors(settings.home, DIALOGUES)
    found = paraphrases(
        ([r["dialogue_id"] for r in rows], told),
        whole.blocks(before=day),
        threshold=settings.semantic_duplicates,
    )
    doubled = {p.row for p in found}
    stays = [n for n in range(len(rows)) if n not in doubled]
    kept = _table_of([(rows[n], WHOLE) for n in stays], told[stays], encoder, day, made_from)
    whole.replace(kept.to_batches(TURNS_AT_ONCE), day=day, dimensions=encoder.dimensions)
    return [
        {
            "dialogue_id": rows[p.row]["dialogue_id"],
            "revision": rows[p.row]["revision"],
            "paraphrase_of": p.of,
            "similarity": p.similarity,
            "encoder_id": encoder.encoder_id,
        }
        for p in found
    ]


def _batches(
    rows: list[dict], encoder: Encoder, *, day: date, made_from: str
) -> "Iterator[pa.RecordBatch]":
    """Yield the turns with their vectors, so many at once that memory stays flat."""
    turns = [(row, position) for row in rows for position in range(len(row["messages"]))]
    report = reporting.progress("embeddings")
    for start in range(0, len(turns), TURNS_AT_ONCE):
        part = turns[start : start + TURNS_AT_ONCE]
        yield _batch(part, encoder, day=day, made_from=made_from)
        report(start + len(part), len(turns))


def _batch(
    turns: list[tuple[dict, int]], encoder: Encoder, *, day: date, made_from: str
) -> "pa.RecordBatch":
    texts = [row["messages"][position]["content"] for row, position in turns]
    table = _table_of(turns, encoder.encode(texts), encoder, day, made_from)
    return table.combine_chunks().to_batches()[0]


def _table_of(
    turns: list[tuple[dict, int]],
    vectors: "np.ndarray",
    encoder: Encoder,
    day: date,
    made_from: str,
) -> "pa.Table":
    """Return turns with their vectors; those of whole dialogues have no role and no text."""
    import pyarrow as pa

    said = [row["messages"][at] if at != WHOLE else NOBODY for row, at in turns]
    flat = pa.array(vectors.ravel())
    columns = {
        "id": [f"{row['dialogue_id']}/{row['revision']}/{position}" for row, position in turns],
        "day": [str(day)] * len(turns),
        "dialogue_id": [row["dialogue_id"] for row, _ in turns],
        "revision": [row["revision"] for row, _ in turns],
        "position": [position for _, position in turns],
        "role": [message["role"] for message in said],
        "user_id": [row["user_id"] for row, _ in turns],
        "text": [message["content"] for message in said],
        "encoder_id": [encoder.encoder_id] * len(turns),
        "made_from": [made_from] * len(turns),
        "vector": pa.FixedSizeListArray.from_arrays(flat, encoder.dimensions),
    }
    return pa.Table.from_pydict(columns, schema=schema(encoder.dimensions))
