"""embeddings: one vector a turn, and its words for Russian full text."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assets import fingerprints, reporting
from assets.partitions import DAYS
from lake.settings import Settings
from lake.tables import Lake
from lake.vectors import Vectors, schema
from models.encoders import Encoder, load_encoder

if TYPE_CHECKING:
    import pyarrow as pa

TURNS_AT_ONCE = 8192


@dg.asset(
    group_name="embeddings", deps=["cleaned_dialogues"], kinds={"lancedb"}, partitions_def=DAYS
)
def embeddings_messages(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    vectors: dg.ResourceParam[Vectors],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """Encode every turn of a day's dialogues; `steppe search` reads what this wrote."""
    day = reporting.day_of(context)
    encoder = load_encoder(settings.encoder, models_dir=settings.models_dir)
    made_from = fingerprints.embeddings(settings, day, encoder.encoder_id)
    rows = lake.rows("cleaned_dialogues", where=f"day = DATE '{day}'")
    batches = _batches(rows, encoder, day=day, made_from=made_from)
    version = vectors.replace(batches, day=day, dimensions=encoder.dimensions)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(len(r["messages"]) for r in rows),
            "lance_version": version,
            "encoder_id": encoder.encoder_id,
            "dimensions": encoder.dimensions,
        },
        data_version=dg.DataVersion(made_from),
    )


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
    import pyarrow as pa

    texts = [row["messages"][position]["content"] for row, position in turns]
    flat = pa.array(encoder.encode(texts).ravel())
    columns = {
        "id": [f"{row['dialogue_id']}/{row['revision']}/{position}" for row, position in turns],
        "day": [str(day)] * len(turns),
        "dialogue_id": [row["dialogue_id"] for row, _ in turns],
        "revision": [row["revision"] for row, _ in turns],
        "position": [position for _, position in turns],
        "role": [row["messages"][position]["role"] for row, position in turns],
        "user_id": [row["user_id"] for row, _ in turns],
        "text": texts,
        "encoder_id": [encoder.encoder_id] * len(turns),
        "made_from": [made_from] * len(turns),
        "vector": pa.FixedSizeListArray.from_arrays(flat, encoder.dimensions),
    }
    return pa.RecordBatch.from_pydict(columns, schema=schema(encoder.dimensions))
