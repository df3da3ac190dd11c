"""A base with more words of its own: the vocabulary grown from a person's texts.

Byte-level BPE goes on where the base's tokenizer ended: the commonest neighbouring tokens of the
texts are joined, one merge after the other.  New merges rank below the old ones, so every text is
first written as before and then shortened.  A new token begins as the mean of the tokens it stands
for, and continued pre-training (`method = "cpt"`) teaches it.

The result is a new base with its own id, in Hugging Face form: adapters of the old one do not fit
it.  It lies in a folder that `base_model` may name; `steppe-base.json` there says what it was made
from.  (An adapter cannot carry new tokens: vLLM loads no embeddings with it.)
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import ModelError
from lake.ids import content_id
from models import base as bases
from models.base import EXTENSION, BaseModel
from models.chat import load_tokenizer

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

TOKENIZER = "tokenizer.json"
MIN_COUNT = 2
"""A pair of tokens that stands in the texts only once is no habit of the language."""
GROWING = ".growing-"  # as `models.base` names what is not finished

Merge = tuple[str, str]
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fertility:
    """How many tokens a text costs: by word, as parted by spaces, and by character."""

    tokens_per_word: float
    tokens_per_character: float


@dataclass(frozen=True, slots=True)
class Extended:
    """A base with a grown vocabulary, and what that is worth on texts it was not grown from."""

    base: BaseModel
    added: int
    before: Fertility
    after: Fertility


def extend(
    parent: BaseModel, texts: Sequence[str], held_out: Sequence[str], *, size: int, folder: Path
) -> Extended:
    """Make a base with up to `size` more tokens, in a folder that must not be there yet.

    `held_out` are texts to count the tokens of, before and after.  Raise `ModelError` for a
    tokenizer that is no BPE with words, and where the texts have nothing to join.
    """
    if folder.exists():
        raise ModelError(f"`{folder}` is there already.", hint="name a folder that is not")
    before = load_tokenizer(parent.path).backend_tokenizer
    state: State = json.loads(before.to_str())
    merges = learn_merges(before, texts, size)
    if not merges:
        raise ModelError(
            "These texts hold no pair of tokens twice: there is nothing to join.",
            hint="give more text",
        )
    after = _with_merges(state, merges)
    fertilities = fertility(before, held_out), fertility(after, held_out)
    draft = folder.with_name(f"{GROWING}{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _copy_small_files(parent.path, draft)
        _write_network(parent.path, before, after, draft)
        _write(draft / TOKENIZER, json.loads(after.to_str()))
        _write(draft / EXTENSION, _manifest(parent, texts, len(merges), fertilities))
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    made = bases.ensure_base(str(folder), folder.parent)
    return Extended(made, len(merges), *fertilities)


def fertility(tokenizer: Tokenizer, texts: Sequence[str]) -> Fertility:
    """Return how many tokens the texts cost; 0 for texts without a word."""
    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    tokens = sum(len(one.ids) for one in encoded)
    words, characters = sum(len(t.split()) for t in texts), sum(map(len, texts))
    return Fertility(tokens / max(1, words), tokens / max(1, characters))


def learn_merges(tokenizer: Tokenizer, texts: Iterable[str], size: int) -> list[Merge]:
    """Return up to `size` merges, the commonest first; of equals the first in the alphabet."""
    words = [(tokens, n) for tokens, n in _words(tokenizer, texts).items() if len(tokens) > 1]
    spelled = [list(tokens) for tokens, _ in words]
    counts = [n for _, n in words]
    pairs, places = _pairs(spelled, counts)
    merges: list[Merge] = []
    while pairs and len(merges) < size:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < MIN_COUNT:
            break
        merges.append(best)
        for place in sorted(places.pop(best)):
            for pair in _neighbours(spelled[place]):
                pairs[pair] -= counts[place]
            spelled[place] = _joined(spelled[place], best)
            for pair in _neighbours(spelled[place]):
                pairs[pair] += counts[place]
                places.setdefault(pair, set()).add(place)
        pairs = +pairs
    return merges


def _words(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[tuple[str, ...]]:
    """Return how often each word stands in the texts, spelled in the tokens of today."""
    splitter, model = tokenizer.pre_tokenizer, tokenizer.model
    if splitter is None or type(model).__name__ != "BPE":
        raise ModelError(
            f"This base's tokenizer ({type(model).__name__}) cannot be extended.",
            hint="only BPE whose words are parted beforehand can go on: Qwen, Llama 3, `embedded`",
        )
    counts: Counter[str] = Counter()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
        counts.update(word for word, _ in splitter.pre_tokenize_str(normal))
    spelled: Counter[tuple[str, ...]] = Counter()
    for word, n in counts.items():
        spelled[tuple(token.value for token in model.tokenize(word))] += n
    return spelled


def _pairs(
    spelled: Sequence[Sequence[str]], counts: Sequence[int]
) -> tuple[Counter[Merge], dict[Merge, set[int]]]:
    """Return how often each pair of neighbours stands in the words, and in which."""
    pairs: Counter[Merge] = Counter()
    places: dict[Merge, set[int]] = {}
    for place, tokens in enumerate(spelled):
        for pair in _neighbours(tokens):
            pairs[pair] += counts[place]
            places.setdefault(pair, set()).add(place)
    return pairs, places


def _neighbours(tokens: Sequence[str]) -> list[Merge]:
    return list(pairwise(tokens))


def _joined(tokens: Sequence[str], pair: Merge) -> list[str]:
    """Return the tokens with every occurrence of a pair made one, from the left."""
    found: list[str] = []
    position = 0
    while position < len(tokens):
        if tuple(tokens[position : position + 2]) == pair:
            found.append("".join(pair))
            position += 2
        else:
            found.append(tokens[position])
            position += 1
    return found


def _with_merges(state: State, merges: Sequence[Merge]) -> Tokenizer:
    """Return the tokenizer with merges below its own; new ids follow the highest that is taken."""
    from tokenizers import Tokenizer

    vocabulary: dict[str, int] = state["model"]["vocab"]
    taken = [*vocabulary.values(), *(token["id"] for token in state["added_tokens"])]
    new = (token for pair in merges if (token := "".join(pair)) not in vocabulary)
    fresh = {token: max(taken) + 1 + n for n, token in enumerate(dict.fromkeys(new))}
    as_pairs = bool(state["model"]["merges"]) and isinstance(state["model"]["merges"][0], list)
    told = [list(pair) if as_pairs else " ".join(pair) for pair in merges]
    model = {
        **state["model"],
        "vocab": {**vocabulary, **fresh},
        "merges": [*state["model"]["merges"], *told],
    }
    return Tokenizer.from_str(json.dumps({**state, "model": model}, ensure_ascii=False))


def _write_network(path: Path, before: Tokenizer, after: Tokenizer, draft: Path) -> None:
    """Write the base's network with a row for each new token."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(path), dtype="auto")
    rows = max(model.get_input_embeddings().num_embeddings, max(after.get_vocab().values()) + 1)
    pieces = _pieces(before, after)
    model.resize_token_embeddings(rows, mean_resizing=False)
    for weight in _tables(model):
        for token, old in pieces.items():
            weight[token] = weight[old].mean(dim=0)
    model.save_pretrained(str(draft))
    for file in draft.glob("*.safetensors"):
        file.chmod(0o644)  # safetensors writes 0600


def _pieces(before: Tokenizer, after: Tokenizer) -> dict[int, list[int]]:
    """Return the old tokens that each new one stands for."""
    old = before.get_vocab()
    model = before.model
    return {
        token: [piece.id for piece in model.tokenize(word)]
        for word, token in after.get_vocab().items()
        if word not in old
    }


def _tables(model: PreTrainedModel) -> list[torch.Tensor]:
    """Return the weights with a row a token: one where they are tied, else two."""
    weights = [model.get_input_embeddings().weight.data, model.get_output_embeddings().weight.data]
    tied = weights[0].data_ptr() == weights[1].data_ptr()
    return weights[:1] if tied else weights


def _copy_small_files(path: Path, draft: Path) -> None:
    """Copy what says how the base is written and read; its report is about another base."""
    draft.mkdir(parents=True)
    for file in sorted([*path.glob("*.json"), *path.glob("*.jinja")]):
        if file.name not in ("report.json", EXTENSION) and not file.name.endswith("index.json"):
            shutil.copy(file, draft / file.name)


def _manifest(
    parent: BaseModel, texts: Sequence[str], added: int, fertilities: tuple[Fertility, Fertility]
) -> Mapping[str, Any]:
    before, after = fertilities
    return {
        "parent_base_id": parent.base_id,
        "parent": Path(parent.name).name,
        "origin": Path(parent.origin).name,
        "added_tokens": added,
        "texts": len(texts),
        "texts_id": content_id("texts", *texts),
        "fertility_before": asdict(before),
        "fertility_after": asdict(after),
    }


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
