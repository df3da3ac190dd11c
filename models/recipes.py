"""Recipes: what experiment to run.  Typed, frozen, and a diff over `recipes/defaults.toml`.

A recipe says how an adapter is trained and from which mixture of rows; where it runs and on what
base is not its business.  `recipe_id` is a hash of the whole content, defaults included, so a
changed default is another recipe.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lake.errors import RecipeError
from lake.ids import json_id

FOLDER = Path(__file__).with_name("recipes")
DEFAULTS = "defaults"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Quantization(_Part):
    """How the frozen base is kept in memory while the adapter learns."""

    kind: Literal["nf4", "none"]
    double_quant: bool
    compute_dtype: Literal["auto", "float32", "bfloat16"]


class Lora(_Part):
    """The adapter's shape: rank, scale, dropout and the modules that carry it."""

    r: int = Field(ge=1, le=512)
    alpha: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    target_modules: tuple[str, ...] = Field(min_length=1)


class Optimizer(_Part):
    """Names are those of `transformers`; `warmup` below 1 is a share of the steps, else steps."""

    name: Literal["adamw_torch", "paged_adamw_32bit", "adamw_bnb_8bit", "paged_adamw_8bit"]
    lr: float = Field(gt=0, le=1)
    beta2: float = Field(gt=0, lt=1)
    weight_decay: float = Field(ge=0)
    max_grad_norm: float = Field(gt=0)
    schedule: Literal["constant", "constant_with_warmup", "linear", "cosine"]
    warmup: float = Field(ge=0)


class Training(_Part):
    """How long and in what batches; `max_steps` above 0 replaces `epochs`."""

    epochs: float = Field(gt=0)
    max_steps: int = Field(ge=0)
    batch: int = Field(ge=1)
    accumulation: int = Field(ge=1)
    group_by_length: bool
    padding_free: bool
    gradient_checkpointing: bool
    checkpoint_steps: int = Field(ge=0)


class Mixture(_Part):
    """Rows of a training set; see `models.mixture` for what the shares are shares of."""

    repeat: float = Field(gt=0, le=100)
    primer: float = Field(ge=0, le=20)
    older: float = Field(ge=0, le=20)
    self_chat: float = Field(ge=0, le=20)
    framed: float = Field(ge=0, le=1)
    max_new: int = Field(ge=0)
    max_tellings: int = Field(ge=0)
    unknown_only: bool
    max_length_ratio: float = Field(ge=0)
    sources: dict[str, Annotated[float, Field(ge=0, le=1)]]


class Budget(_Part):
    """What of a training set models may have made; `models.budget` has the arithmetic."""

    max_depth: int = Field(ge=0)
    min_human_share: float = Field(ge=0, le=1)
    max_method_share: float = Field(ge=0, le=1)
    judge_is_not_generator: bool


class Recipe(_Part):
    """One experiment.  `load` makes it; `name` is a label and no part of its id."""

    name: str
    method: Literal["sft", "dpo", "kto", "cpt"]
    seed: int = Field(ge=0, lt=2**31)
    max_length: int = Field(ge=16)
    packing: bool
    quantization: Quantization
    lora: Lora
    optimizer: Optimizer
    training: Training
    mixture: Mixture
    budget: Budget

    @property
    def recipe_id(self) -> str:
        """Return the id of everything in this recipe but its name."""
        return json_id(self.model_dump(mode="json", exclude={"name"}))


def names() -> list[str]:
    """Return the names of the shipped recipes."""
    found = (path.stem for path in FOLDER.glob("*.toml"))
    return sorted(n for n in found if n != DEFAULTS and not n.startswith("base_"))


def load(name_or_path: str | Path) -> Recipe:
    """Return a shipped recipe by name, or one from a file; `RecipeError` says what is wrong."""
    path = _find(name_or_path)
    changes = _read(path)
    merged = _merge(_read(FOLDER / f"{DEFAULTS}.toml"), changes, where=path.name)
    return parse({"name": path.stem, **merged})


def parse(content: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a complete mapping, as `Recipe.model_dump` gives it."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise _explain(error, str(content.get("name", "recipe"))) from error


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if path.is_file():
            return path
        raise RecipeError(f"There is no recipe file `{path}`.", hint="check the path")
    if (name := str(name_or_path)) in names():
        return FOLDER / f"{name}.toml"
    raise RecipeError(
        f"There is no recipe `{name}`.{_nearest(name, names())}",
        hint=f"choose one of {', '.join(names())}, or give the path of a .toml file",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"`{path.name}` is not TOML: {error}.", hint="mend that line") from error


def _merge(base: dict[str, Any], changes: dict[str, Any], *, where: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        if key not in base and base:  # a table without defaults takes any key
            raise RecipeError(
                f"`{where}` has an unknown key `{key}`.{_nearest(key, base)}",
                hint=f"known keys here: {', '.join(sorted(base))}",
            )
        default = base.get(key, value)
        if isinstance(default, dict) != isinstance(value, dict):
            shape = "a table" if isinstance(default, dict) else "a single value"
            raise RecipeError(f"`{key}` in `{where}` must be {shape}.", hint="see defaults.toml")
        nested = isinstance(value, dict)
        merged[key] = _merge(default, value, where=f"{where}: {key}") if nested else value
    return merged


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


def _explain(error: ValidationError, name: str) -> RecipeError:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return RecipeError(
        f"Recipe `{name}`: `{place}` = {first.get('input')!r}: {first['msg']}.",
        hint="see models/recipes/defaults.toml for every key and its meaning",
    )
