"""How good a dialogue is to learn from, as one number: which of near-duplicates is kept.

A rank, not a judgement: it sees how much is answered, whether answers were cut off, what the marks
found, and how much of the text is letters.  Each part is 0..1, and the quality is their product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

HALF = 200  # characters of answers that earn half of what length can earn: a paragraph
LETTER_SHARE = 0.6  # Russian prose has three letters in four characters, code and tables half
CUT_OFF_COST = 0.5  # what a dialogue loses when each of its answers breaks off

# A comma, an opening bracket or dash; or a small letter at the end of a line of 120 and more, which
# is no title, item or list of hashtags.  It finds the four answers that break off among 566 of two
# Saiga models.
_BREAKS_OFF = r"[,(«–—]$|[^\n#]{119}[a-zа-яё]$"


def cut_off(column: str) -> pl.Expr:
    """Return where a column's text stops in the middle: of a sentence, or of a block of code."""
    import polars as pl

    text = pl.col(column).str
    return text.contains(_BREAKS_OFF) | (text.count_matches("```", literal=True) % 2 == 1)


def quality() -> pl.Expr:
    """Return the quality of each dialogue of the frame that `DialogueRule` describes, 0..1.

    - length: `a / (a + 200)` for `a` characters of answers: more is better, ever less so;
    - wholeness: 1, less half the share of answers that are cut off;
    - marks: `t / (t + marks)` for `t` thousands of characters, counted from one: a glitch weighs
      more in a short dialogue;
    - letters: the share of letters, full from six in ten on.
    """
    import polars as pl

    answered, characters = pl.col("answer_characters"), pl.col("characters")
    cut = pl.col("cut_off") / pl.max_horizontal("answers", 1)
    thousands = 1 + characters / 1000
    letters = pl.col("letters") / pl.max_horizontal("characters", 1)
    return (
        answered
        / (answered + HALF)
        * (1 - CUT_OFF_COST * cut)
        * thousands
        / (thousands + pl.col("marks"))
        * pl.min_horizontal(letters / LETTER_SHARE, 1)
    )
