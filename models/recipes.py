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
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from lake.errors import RecipeError
from lake.ids import json_id
from models.recipe_parts import (
    AdaptionPrompt,
    Budget,
    Ia3,
    Lora,
    Mixture,
    Optimizer,
    Part,
    Preference,
    Quantization,
    Training,
    Tuner,
)

FOLDER = Path(__file__).with_name("recipes")
DEFAULTS = "defaults"
LOSSES: Mapping[str, tuple[str, ...]] = {
    "dpo": ("sigmoid", "sigmoid_norm", "hinge", "ipo", "apo_zero"),
    "kto": ("kto", "apo_zero_unpaired"),
}
"""The preference losses of trl that the tests train with; the first is the method's own."""


class Recipe(Part):
    """One experiment.  `load` makes it; `name` is a label and no part of its id.

    `sft` learns the assistant's words of dialogues, `cpt` every word of them; `dpo` learns from
    pairs of answers, `kto` from single answers that were liked or not.
    """

    name: str
    method: Literal["sft", "cpt", "dpo", "kto"]
    seed: int = Field(ge=0, lt=2**31)
    max_length: int = Field(ge=16)
    packing: bool
    quantization: Quantization
    tuner: Tuner
    lora: Lora
    ia3: Ia3
    adaption_prompt: AdaptionPrompt
    preference: Preference
    optimizer: Optimizer
    training: Training
    mixture: Mixture
    budget: Budget

    @property
    def recipe_id(self) -> str:
        """Return the id of everything in this recipe but its name."""
        return json_id(self.model_dump(mode="json", exclude={"name"}))

    @property
    def is_preference(self) -> bool:
        """Return whether the rows are preferences rather than dialogues."""
        return self.method in ("dpo", "kto")

    @property
    def loss(self) -> str:
        """Return the preference loss in trl's words."""
        named = self.preference.loss
        return named if named != "auto" else LOSSES[self.method][0]

    @model_validator(mode="after")
    def _fits_together(self) -> Recipe:
        for wrong, what in _clashes(self):
            if wrong:
                raise ValueError(what)
        return self


def _clashes(recipe: Recipe) -> list[tuple[bool, str]]:
    """Return what cannot go together, each with whether this recipe asks for it."""
    batch, tuner, lora = recipe.training, recipe.tuner, recipe.lora
    shapes = recipe.packing or batch.padding_free or batch.group_by_length
    pairs = recipe.is_preference
    loss = recipe.preference.loss
    return [
        (pairs and shapes, "packing, padding_free and group_by_length are for dialogues"),
        (
            pairs and loss not in ("auto", *LOSSES[recipe.method]),
            f"`{recipe.method}` knows the losses {', '.join(LOSSES.get(recipe.method, ()))}",
        ),
        (recipe.method == "kto" and recipe.preference.sft > 0, "`preference.sft` is for dpo"),
        (
            recipe.method == "kto" and recipe.loss == "kto" and batch.batch < 2,
            "kto measures its divergence within a batch: `training.batch` must be 2 or more",
        ),
        (
            pairs and tuner.kind != "lora",
            "preferences are for LoRA: trl copies no other adapter as its reference",
        ),
        (tuner.stack and tuner.kind != "lora", "only LoRA adapters can be stacked"),
        (tuner.stack and pairs, "a stacked adapter cannot be its own reference: use sft or cpt"),
        (
            tuner.stack and (lora.dora or lora.shifts_base),
            "dora, olora and pissa are not stacked",
        ),
        (lora.shifts_base and (pairs or lora.dora), f"`{lora.init}` is for sft and cpt, no dora"),
        (
            lora.init == "pissa" and recipe.quantization.kind != "none",
            'pissa needs a float base: set quantization.kind = "none"',
        ),
        (
            tuner.kind == "adaption_prompt" and batch.gradient_checkpointing,
            "an adaption prompt recomputes its layer: gradient_checkpointing must be off",
        ),
    ]


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
    if not first["loc"]:
        return RecipeError(
            f"Recipe `{name}`: {first['msg'].removeprefix('Value error, ')}.",
            hint="see models/recipes/defaults.toml for every key and its meaning",
        )
    place = ".".join(map(str, first["loc"]))
    return RecipeError(
        f"Recipe `{name}`: `{place}` = {first.get('input')!r}: {first['msg']}.",
        hint="see models/recipes/defaults.toml for every key and its meaning",
    )
