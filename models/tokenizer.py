"""The embedded base's tokenizer and chat template, made from the primer.

Byte-level BPE: any text survives the round trip.  Digits stand alone, so numbers are read and
written digit by digit.  Common words are single tokens and every other word is spelled in
syllables learned from rare words only, so that each token is trained often.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

PAD, BOS, END = "<|pad|>", "<|bos|>", "<|end|>"
ROLE_TOKENS = {role: f"<|{role}|>" for role in ("system", "user", "assistant", "tool")}
SPECIAL_TOKENS = (PAD, BOS, END, *ROLE_TOKENS.values())
PAD_ID, BOS_ID, END_ID = 0, 1, 2

# A digit; a word with its leading space; punctuation with its leading space; the rest.
PIECES = r"\d| ?[^\W\d_]+| ?[^\w\s]+|_+|\s+"

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- if tools and messages[0].role != 'system' -%}
{{- '<|system|>Инструменты: ' -}}
{%- for tool in tools -%}
{{- (tool.function if tool.function else tool).name -}}{{- '.' if loop.last else ', ' -}}
{%- endfor -%}
{{- '<|end|>' -}}
{%- endif -%}
{%- for message in messages -%}
{{- '<|' + message.role + '|>' -}}
{%- if message.role == 'assistant' -%}
{%- generation -%}
{{- message.content or '' -}}
{%- for call in message.tool_calls or [] -%}
{%- set function = call.function if call.function else call -%}
{{- '<tool_call>{"name": ' + function.name | tojson + ', "arguments": ' -}}
{{- function.arguments if function.arguments is string else function.arguments | tojson -}}
{{- '}</tool_call>' -}}
{%- endfor -%}
{{- '<|end|>' -}}
{%- endgeneration -%}
{%- else -%}
{{- (message.content or '') + '<|end|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""


def make_tokenizer(texts: Sequence[str], *, vocabulary: int, words: int) -> Tokenizer:
    """Return a byte-level BPE tokenizer of at most `vocabulary` tokens.

    The `words` commonest pieces of `texts` are whole tokens, found before any merge
    (`ignore_merges`); the merges are learned from all other pieces.  So no merge exists only
    as a step towards a common word, hardly ever trained by itself: that is what breaks the
    spelling of new words.
    """
    counts = Counter(chain.from_iterable(re.findall(PIECES, text) for text in texts))
    common = [piece for piece, _ in counts.most_common(words) if len(piece.strip()) > 1]
    whole = set(common)
    others = [piece for piece in counts.elements() if piece not in whole]
    return _with_words(_trained(others, vocabulary - len(common)), common)


def encode_dialogues(
    tokenizer: Tokenizer, dialogues: Sequence[Sequence[dict[str, str]]]
) -> list[list[int]]:
    """Return the token ids of each dialogue, exactly as the chat template renders it."""
    vocabulary = tokenizer.get_vocab()
    roles = {role: vocabulary[token] for role, token in ROLE_TOKENS.items()}
    texts = [message["content"] for messages in dialogues for message in messages]
    encoded = iter(tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    rows = []
    for messages in dialogues:
        row = [BOS_ID]
        for message in messages:
            row += [roles[message["role"]], *next(encoded).ids, END_ID]
        rows.append(row)
    return rows


def as_pretrained(tokenizer: Tokenizer, *, context: int) -> PreTrainedTokenizerBase:
    """Return the tokenizer in Hugging Face form, with its chat template."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=list(ROLE_TOKENS.values()),
        chat_template=CHAT_TEMPLATE,
        model_max_length=context,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def _trained(pieces: Sequence[str], vocabulary: int) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pieces, trainer)
    return tokenizer


def _with_words(tokenizer: Tokenizer, words: Sequence[str]) -> Tokenizer:
    from tokenizers import Tokenizer, pre_tokenizers

    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    state: dict[str, Any] = json.loads(tokenizer.to_str())
    vocabulary: dict[str, int] = state["model"]["vocab"]
    for word in words:
        vocabulary.setdefault(as_bytes.pre_tokenize_str(word)[0][0], len(vocabulary))
    return Tokenizer.from_str(json.dumps(state, ensure_ascii=False))
