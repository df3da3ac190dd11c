"""The rows of `cleaned_dialogues`, `cleaned_dropped`, `cleaned_findings` and `cleaned_signatures`.

Columns only: no rule is asked here, and nothing is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from assets.cleaning import said as frames
from assets.cleaning.minhash import Sketches
from assets.cleaning.near_duplicates import Signed, columns_of
from assets.cleaning.splits import SPLITS, splits_of
from lake.schemas import EXCERPT_CHARACTERS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

WHOLE_DIALOGUE = -1  # the position of a drop of dialogue grain

Reason = tuple[str, str]
"""The rule and the reason that drop a dialogue."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in a record that a rule changed or marked; `excerpt` never holds personal data."""

    record: int
    position: int
    rule: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What is known of a batch when its rules have spoken; one row or item a record.

    `said` and `removed` are frames of messages; `reasons` has None for what no rule drops.
    """

    about: pl.DataFrame
    said: pl.DataFrame
    removed: pl.DataFrame
    dialogues: pl.DataFrame
    sketches: Sketches
    reasons: list[Reason | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """The records that stay: their rows in the batch, their ids, and what the lake remembers."""

    rows: np.ndarray
    dialogue_ids: list[str]
    revisions: list[str]
    signed: Signed


class Cleaned(NamedTuple):
    """Every record is once in `kept` or once, at dialogue grain, in `dropped`.

    Each has the columns of its table in the lake, but `day`.
    """

    kept: pa.Table
    dropped: pa.Table
    findings: pa.Table
    signatures: pa.Table


def kept(batch: Batch, kept: Kept, consent: Callable[[str, Sequence[str]], str]) -> pa.Table:
    """Return the rows of `cleaned_dialogues`."""
    import numpy as np
    import polars as pl
    import pyarrow as pa

    about, counts = batch.about[kept.rows], batch.dialogues[kept.rows]
    word = cache(lambda source, *people: consent(source, people))
    allowed = [
        word(source, user, *(others or ()))
        for source, user, others in about["source", "user_id", "participants"].iter_rows()
    ]
    splits = np.array(SPLITS)[splits_of(kept.signed.clusters)]
    frame = pl.DataFrame(
        {
            "dialogue_id": kept.dialogue_ids,
            "revision": kept.revisions,
            **{name: about[name] for name in ABOUT},
            "language": counts["language"],
            "consent": pl.Series(allowed, dtype=pl.String),
            "split": pl.Series(splits.tolist(), dtype=pl.String),
            "cluster_id": pl.Series(kept.signed.clusters.astype("U32").tolist(), dtype=pl.String),
            "quality": counts["quality"],
            "turns": counts["answers"],
            "characters": counts["characters"],
        }
    )
    messages = frames.nested(batch.said, len(batch.about)).take(pa.array(kept.rows))
    return _arrow(frame).append_column("messages", messages)


ABOUT = ("record_id", "source", "conversation_id", "title", "user_id", "participants")


def dropped(batch: Batch, kept: Kept, doubled: Mapping[int, str]) -> pa.Table:
    """Return the rows of `cleaned_dropped`: whole dialogues, and messages left out of kept ones.

    `doubled` has the cluster that each duplicate repeats.
    """
    import polars as pl

    gone = [record for record, reason in enumerate(batch.reasons) if reason is not None]
    verdicts = [reason for reason in batch.reasons if reason is not None]
    whole = pl.DataFrame(
        {
            "record": pl.Series(gone, dtype=pl.UInt32),
            "grain": pl.Series(["dialogue"] * len(gone), dtype=pl.String),
            "position": pl.Series([WHOLE_DIALOGUE] * len(gone), dtype=pl.Int64),
            "rule": pl.Series([rule for rule, _ in verdicts], dtype=pl.String),
            "reason": pl.Series([reason for _, reason in verdicts], dtype=pl.String),
            "cluster_id": pl.Series([doubled.get(r, "") for r in gone], dtype=pl.String),
        }
    ).join(_excerpts(batch, gone), on="record", how="left", maintain_order="left")
    parts = batch.removed.filter(pl.col("record").is_in(kept.rows.tolist())).select(
        "record",
        pl.lit("message").alias("grain"),
        pl.col("position").cast(pl.Int64),
        "rule",
        "reason",
        pl.lit("").alias("cluster_id"),
        pl.col("content").str.slice(0, EXCERPT_CHARACTERS).alias("excerpt"),
    )
    rows = pl.concat([whole.with_columns(pl.col("excerpt").fill_null("")), parts])
    return _arrow(_named(batch, rows, "record_id", "source"))


def findings(batch: Batch, kept: Kept, found: list[Finding]) -> pa.Table:
    """Return the rows of `cleaned_findings`: those in dialogues that stay."""
    import polars as pl

    stays = set(kept.rows.tolist())
    shown = [f for f in found if f.record in stays]
    rows = pl.DataFrame(
        {
            "record": pl.Series([f.record for f in shown], dtype=pl.UInt32),
            "position": pl.Series([f.position for f in shown], dtype=pl.Int64),
            "rule": pl.Series([f.rule for f in shown], dtype=pl.String),
            "reason": pl.Series([f.reason for f in shown], dtype=pl.String),
            "excerpt": pl.Series([f.excerpt for f in shown], dtype=pl.String),
        }
    )
    number = pl.int_range(pl.len()).over("record").alias("number")
    return _arrow(_named(batch, rows.with_columns(number), "record_id"))


def signatures(kept: Kept) -> pa.Table:
    """Return the rows of `cleaned_signatures`."""
    import pyarrow as pa

    ids = {"revision": pa.array(kept.revisions, pa.string())}
    return pa.table({**ids, **columns_of(kept.signed)})


def _excerpts(batch: Batch, records: list[int]) -> pl.DataFrame:
    """Return what was said first in each of these records, 200 characters of it."""
    import polars as pl

    columns = ["record", "position", "content"]
    said = pl.concat([batch.said.select(columns), batch.removed.select(columns)])
    start = pl.col("content").str.slice(0, EXCERPT_CHARACTERS)
    return (
        said.filter(pl.col("record").is_in(records))
        .sort("record", "position")
        .group_by("record", maintain_order=True)
        .agg(start.str.join(" / ").str.slice(0, EXCERPT_CHARACTERS).alias("excerpt"))
    )


def _named(batch: Batch, rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return rows with columns of their record in place of its number."""
    named = batch.about.select(columns)[rows["record"].to_numpy()]
    return named.hstack(rows.drop("record"))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """Return a frame as Arrow with plain strings, which every reader takes."""
    import polars as pl

    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
