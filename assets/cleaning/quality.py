"""How good a dialogue is to learn from, as one number: which of near-duplicates is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

HALF_LENGTH = 80  # characters of an answer that earn half of what length can earn
LETTER_SHARE = 0.6  # Russian prose has .75-.8 of its characters letters, code and tables half


def quality() -> pl.Expr:
    """Return the quality of each dialogue, 0..1: length of answers x freedom of marks x letters.

    - length: `a / (a + 80)` for answers of `a` characters on average; more is better, ever less so;
    - marks: `t / (t + marks)` for `t` thousands of characters, counted from one: a glitch weighs
      more in a short dialogue;
    - letters: the share of letters, full from six in ten on.
    """
    import polars as pl

    characters = pl.col("characters")
    average = pl.col("answer_characters") / pl.max_horizontal(pl.col("answers"), 1)
    thousands = 1 + characters / 1000
    share = pl.col("letters") / pl.max_horizontal(characters, 1)
    return (
        average
        / (average + HALF_LENGTH)
        * thousands
        / (thousands + pl.col("marks"))
        * pl.min_horizontal(share / LETTER_SHARE, 1)
    )
