"""Turn rules over a whole batch: dialogues in order pass, the others go through `turns.in_turn`.

By far the most dialogues alternate as they should; of the rest most only end in a question that
nobody answered.  Both are told at memory speed; the odd ones are walked message by message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assets.cleaning import said as frames
from assets.cleaning.text import clean_text
from assets.cleaning.turns import in_turn

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

UNANSWERED = ("answered", "no_answer")


def in_order(said: pl.DataFrame, records: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the messages in alternation, and those left out with their `rule` and `reason`."""
    import polars as pl

    odd = _odd(said, records)
    in_odd = odd[said["record"].to_numpy()]
    calm, walked, walked_out = said.filter(~in_odd), [], []
    tail = _unanswered(calm)
    for rows in said.filter(in_odd).partition_by("record", maintain_order=True):
        kept, removed = _walked(rows)
        walked.append(kept)
        walked_out.append(removed)
    cut = calm.filter(tail).with_columns(rule=pl.lit(UNANSWERED[0]), reason=pl.lit(UNANSWERED[1]))
    kept = pl.concat([calm.filter(~tail), *walked])
    removed = pl.concat([cut, *walked_out])
    order = ["record", "position"]
    return (kept.sort(order) if walked else kept), removed.sort(order)


def _odd(said: pl.DataFrame, records: int) -> np.ndarray:
    """Return which records are more than `[system] user assistant user ...`, bool (n,)."""
    import numpy as np
    import polars as pl

    before = pl.col("role").shift(fill_value="")
    first = pl.col("record") != pl.col("record").shift()
    after_system = before == "system"
    role = pl.col("role")
    fine = (
        pl.when(first.fill_null(value=True))
        .then(role.is_in(["system", "user"]))
        .when(role == "user")
        .then((before == "assistant") | after_system)
        .when(role == "assistant")
        .then(before == "user")
        .otherwise(statement=False)
    )
    wrong = said.select(~fine | (pl.col("content").str.len_bytes() == 0)).to_series()
    odd = np.zeros(records, np.bool_)
    odd[said["record"].filter(wrong).to_numpy()] = True
    return odd


def _unanswered(calm: pl.DataFrame) -> pl.Series:
    """Return which rows follow their record's last answer: in a calm record the last at most."""
    import polars as pl

    last = pl.col("record") != pl.col("record").shift(-1)
    return calm.select(last.fill_null(value=True) & (pl.col("role") != "assistant")).to_series()


def _walked(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one record's messages in turn, and those left out; joined ones are cleaned again."""
    import polars as pl

    kept, removed = in_turn(frames.messages_of(rows))
    taken = rows.gather([turn.parts[0][0] for turn in kept]).with_columns(
        content=pl.Series(
            [
                clean_text(t.message.content) if len(t.parts) > 1 else t.message.content
                for t in kept
            ],
            dtype=pl.String,
        )
    )
    left_out = rows.gather([r.position for r in removed]).with_columns(
        rule=pl.Series([r.rule for r in removed], dtype=pl.String),
        reason=pl.Series([r.reason for r in removed], dtype=pl.String),
    )
    return taken, left_out
