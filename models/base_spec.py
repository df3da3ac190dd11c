"""What an embedded base is grown to be, and the id that names it.

A spec lies in `recipes/base_*.toml`.  The `base_id` is the hash of the spec, of the primer and
of the code that grows it: whoever changes any of them gets another base, and nobody grows the
same one twice.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

from lake.errors import RecipeError
from lake.ids import content_id, file_id, json_id

FOLDER = Path(__file__).with_name("recipes")
PREFIX = "base_"
SHAPES = ("qwen3", "llama")
GROWTH_CODE = ("growth.py", "network.py", "optimizers.py", "tokenizer.py")


@dataclass(frozen=True, slots=True)
class BaseSpec:
    """The shape of a base and how it is grown.

    `shape` is the network's family in Hugging Face's words: `qwen3`, or `llama`, which is the same
    without q/k norm and learns to copy later, but carries what peft lays on Llama alone.
    `inner` is the feed-forward width; `vocabulary` the most tokens, `words` of them whole
    words; `batch` is in tokens a worker and step; rates are those of the flat part of the
    schedule: `warmup` and `decay` are shares of `steps` at its ends.  `tokenizer_dialogues`
    dialogues teach the tokenizer and the first embeddings; the network then meets new ones only.
    The report is about `scored_dialogues` unseen ones.
    """

    name: str
    shape: str
    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    words: int
    context: int
    workers: int
    steps: int
    batch: int
    matrix_lr: float
    embedding_lr: float
    warmup: float
    decay: float
    seed: int
    tokenizer_dialogues: int
    scored_dialogues: int


def base_specs() -> dict[str, BaseSpec]:
    """Return the shipped specs by the name a setting gives them."""
    return {spec.name: spec for spec in map(_read, sorted(FOLDER.glob(f"{PREFIX}*.toml")))}


def load_spec(name: str) -> BaseSpec:
    """Return the spec of that name; raise `RecipeError` where there is none."""
    specs = base_specs()
    if name not in specs:
        raise RecipeError(
            f"There is no embedded base `{name}`.", hint=f"choose one of {', '.join(specs)}"
        )
    return specs[name]


@cache
def base_id(spec: BaseSpec) -> str:
    """Return the hash of all that makes the base: spec, primer and growth code."""
    from models.primer import primer_id

    here = Path(__file__).parent
    code = [file_id(here / name) for name in GROWTH_CODE]
    return content_id("base", json_id(asdict(spec)), primer_id(), *code)


def _read(path: Path) -> BaseSpec:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {field.name for field in fields(BaseSpec)}
    if values.keys() != known:
        odd = ", ".join(sorted(values.keys() ^ known))
        raise RecipeError(
            f"`{path.name}` has unknown or missing keys: {odd}.",
            hint="the keys are the fields of `models.base_spec.BaseSpec`",
        )
    if values["shape"] not in SHAPES:
        raise RecipeError(
            f"`{path.name}`: there is no shape `{values['shape']}`.",
            hint=f"choose one of {', '.join(SHAPES)}",
        )
    return BaseSpec(**values)
