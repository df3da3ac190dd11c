"""Dialogues as tokens: rendering by the base's own chat template, and the mask of what is learned.

A conversation is a list of `{"role", "content"}`.  The tokenizer's chat template is the only
thing that knows how it is written; `template_id` names that template, and an adapter is bound to
the template it was trained with (Saiga changed its template between versions 3 and 4 and had to
warn in capitals; here the ids just have to match).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import BackendUnavailable
from lake.ids import content_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Conversation = Sequence[Mapping[str, str]]
IGNORED = -100
"""The label that torch's cross entropy leaves out (its `ignore_index`)."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation in tokens; `learned[i]` says whether token i counts in the loss."""

    tokens: tuple[int, ...]
    learned: tuple[bool, ...]

    def labels(self) -> list[int]:
        """Return the tokens with `IGNORED` where nothing is learned."""
        return [t if yes else IGNORED for t, yes in zip(self.tokens, self.learned, strict=True)]


def load_tokenizer(base_path: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a base with a chat template; raise `BackendUnavailable` without."""
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(base_path))
    if not tokenizer.chat_template:
        raise BackendUnavailable(
            f"The tokenizer in `{base_path.name}` has no chat template.",
            hint="choose an instruct version of the model, or add `chat_template` to its tokenizer",
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def template_id(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the id of the chat template and of the special tokens it writes."""
    specials = sorted(tokenizer.all_special_tokens)
    return content_id("template", str(tokenizer.chat_template), *specials)


def prompt_tokens(tokenizer: PreTrainedTokenizerBase, messages: Conversation) -> list[int]:
    """Return the tokens after which the assistant speaks."""
    encoded = tokenizer.apply_chat_template(
        plain(tokenizer, messages), add_generation_prompt=True, return_dict=True
    )
    return list(encoded["input_ids"])


def encode(tokenizer: PreTrainedTokenizerBase, messages: Conversation) -> Encoded:
    """Return a whole conversation and the mask of the assistant's words and their end token.

    The template's `{% generation %}` markers make the mask.  A template without them is read
    turn by turn: what follows the generation prompt up to the end of that turn is learned.
    """
    if "generation" in str(tokenizer.chat_template):
        marked = tokenizer.apply_chat_template(
            plain(tokenizer, messages), return_dict=True, return_assistant_tokens_mask=True
        )
        if any(marked["assistant_masks"]):
            return Encoded(tuple(marked["input_ids"]), tuple(map(bool, marked["assistant_masks"])))
    return _encode_by_turns(tokenizer, messages)


def count_tokens(
    tokenizer: PreTrainedTokenizerBase, conversations: Sequence[Conversation]
) -> list[int]:
    """Return how many tokens each whole conversation is, as `encode` would write it."""
    if not conversations:
        return []
    said = [plain(tokenizer, messages) for messages in conversations]
    encoded = tokenizer.apply_chat_template(said, return_dict=True)
    return [len(tokens) for tokens in encoded["input_ids"]]


def _encode_by_turns(tokenizer: PreTrainedTokenizerBase, messages: Conversation) -> Encoded:
    said = plain(tokenizer, messages)
    whole = list(tokenizer.apply_chat_template(said, return_dict=True)["input_ids"])
    learned = [False] * len(whole)
    for index, message in enumerate(said):
        if message["role"] != "assistant":
            continue
        start = len(prompt_tokens(tokenizer, said[:index]))
        upto = tokenizer.apply_chat_template(said[: index + 1], return_dict=True)["input_ids"]
        learned[start : len(upto)] = [True] * max(len(upto) - start, 0)
    return Encoded(tuple(whole), tuple(learned[: len(whole)]))


def plain(tokenizer: PreTrainedTokenizerBase, messages: Conversation) -> list[dict[str, str]]:
    """Return the messages without the text of special tokens: nobody speaks in another's name.

    A template renders contents as they are, and a tokenizer turns `<|assistant|>` in them into
    the token itself.
    """
    longest_first = sorted(tokenizer.all_special_tokens, key=len, reverse=True)
    special = re.compile("|".join(map(re.escape, longest_first)))

    def without(text: str) -> str:
        rest = special.sub("", text)
        return special.sub(lambda m: f"{m[0][0]} {m[0][1:]}", rest)  # what joined anew is parted

    return [{**m, "content": without(m["content"])} for m in messages]


def pad(rows: Sequence[Sequence[int]], *, value: int, left: bool) -> list[list[int]]:
    """Return rows of one length, filled with `value` at the left or at the right."""
    longest = max((len(row) for row in rows), default=0)
    blanks = [[value] * (longest - len(row)) for row in rows]
    pairs = zip(blanks, rows, strict=True)
    return [b + list(r) if left else list(r) + b for b, r in pairs]


def as_rows(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return messages with role and content only, as every template expects them."""
    return [{"role": str(m["role"]), "content": str(m["content"])} for m in messages]
