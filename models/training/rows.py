"""Training rows as examples of a trainer; those that cannot be learned are counted by reason.

A dialogue becomes tokens and labels here.  A preference stays in messages, the text of special
tokens taken out: trl renders it by the same template, and its length is checked here, so that
nothing is ever cut.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.chat import as_rows, encode, plain
from models.recipes import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SIDES = (("chosen", True), ("rejected", False))


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a trainer: its columns, and how many tokens are read for it."""

    columns: Mapping[str, Any]
    tokens: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows ready to train on, and how many were left out by reason."""

    examples: tuple[Example, ...]
    total: int
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Return the tokens of one epoch, without padding."""
        return sum(example.tokens for example in self.examples)


def read_rows(path: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> Rows:
    """Return the rows as the recipe's method wants them.

    `weight` is how often a row is told in an epoch; the fraction of it is drawn by seed.
    """
    rng = random.Random(f"weights/{recipe.seed}")
    dropped: Counter[str] = Counter()
    kept: list[Example] = []
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    for line in lines:
        row = json.loads(line)
        examples = _examples(row, tokenizer, recipe)
        if isinstance(examples, str):
            dropped[examples] += 1
            continue
        weight = float(row.get("weight", 1.0))
        copies = int(weight) + (rng.random() < weight % 1)
        kept.extend(examples * copies)
        dropped["weight_zero"] += copies == 0
    if recipe.method == "kto":  # trl reads these rows in order: see `trainers`
        random.Random(f"order/{recipe.seed}").shuffle(kept)
    return Rows(tuple(kept), len(lines), dict(+dropped))


def _examples(
    row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, recipe: Recipe
) -> list[Example] | str:
    """Return a row's examples, or why it has none."""
    if recipe.is_preference != ("prompt" in row):
        return "not_a_preference" if recipe.is_preference else "not_a_dialogue"
    if recipe.method == "dpo":
        return _pair(row, tokenizer, recipe.max_length)
    if recipe.method == "kto":
        return _single_answers(row, tokenizer, recipe.max_length)
    return _dialogue(row, tokenizer, recipe)


def _dialogue(
    row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, recipe: Recipe
) -> list[Example] | str:
    encoded = encode(tokenizer, as_rows(row["messages"]))
    if len(encoded.tokens) > recipe.max_length:
        return "longer_than_max_length"
    tokens = list(encoded.tokens)
    if recipe.method == "cpt":
        columns = {"input_ids": tokens, "labels": list(tokens)}
    elif any(encoded.learned):
        columns = {"input_ids": tokens, "labels": encoded.labels()}
    else:
        return "no_assistant_words"
    return [Example(columns, len(tokens))]


def _pair(
    row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[Example] | str:
    for side, _ in SIDES:
        if not row[side].strip():
            return f"no_{side}"
    if row["chosen"] == row["rejected"]:
        return "same_answers"
    lengths = _lengths(row, tokenizer)
    if max(lengths.values()) > max_length:
        return "longer_than_max_length"
    columns = {side: _said(tokenizer, row[side]) for side, _ in SIDES}
    return [Example({"prompt": _prompt(row, tokenizer), **columns}, sum(lengths.values()))]


def _single_answers(
    row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[Example] | str:
    """Return an example for each side that is there: an answer that was liked, or not."""
    lengths = _lengths(row, tokenizer)
    if not lengths:
        return "no_answer"
    if max(lengths.values()) > max_length:
        return "longer_than_max_length"
    prompt = _prompt(row, tokenizer)
    return [
        Example(
            {"prompt": prompt, "completion": _said(tokenizer, row[side]), "label": liked},
            lengths[side],
        )
        for side, liked in SIDES
        if side in lengths
    ]


def _lengths(row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Return the tokens of the prompt with each answer that is not empty."""
    prompt = as_rows(row["prompt"])
    return {
        side: len(encode(tokenizer, [*prompt, {"role": "assistant", "content": row[side]}]).tokens)
        for side, _ in SIDES
        if row[side].strip()
    }


def _prompt(row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> list[dict[str, str]]:
    return plain(tokenizer, as_rows(row["prompt"]))


def _said(tokenizer: PreTrainedTokenizerBase, answer: str) -> list[dict[str, str]]:
    return plain(tokenizer, [{"role": "assistant", "content": answer}])
