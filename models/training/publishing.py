"""A trained adapter in its folder: weights, configuration, manifest, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import adapters, environment
from models.recipes import Recipe
from models.training.request import TrainRequest
from models.training.tuners import LEARNED, PARENT

if TYPE_CHECKING:
    from peft import PeftModel

STACK = "stack"


def publish(
    request: TrainRequest,
    recipe: Recipe,
    model: PeftModel,
    template: str,
    losses: Sequence[float] = (),
    *,
    weights: Mapping[str, Any] | None = None,
) -> Path:
    """Write what the model has learned under its content id; return the folder.

    `weights` are the model's in whole where it holds only shards of them.
    """
    draft = request.work_dir / "adapter"
    shutil.rmtree(draft, ignore_errors=True)
    _save(model, recipe, draft, start=start_folder(request), weights=weights)
    for path in draft.iterdir():
        if path.name not in (adapters.WEIGHTS, adapters.CONFIG):
            path.unlink()
        else:
            path.chmod(0o644)  # safetensors writes 0600
    _settle_config(draft / adapters.CONFIG, request.base_model)
    adapter_id = adapters.id_of(draft)
    adapters.write_manifest(
        draft,
        adapters.Manifest(
            adapter_id=adapter_id,
            base_id=request.base_id,
            base_model=request.base_model,
            recipe_id=recipe.recipe_id,
            training_set_id=request.training_set_id,
            template_id=template,
            parent_adapter_id=Path(request.parent_adapter).name,
            files=adapters.digests(draft),
            libraries=environment.libraries(),
            recipe=recipe.model_dump(mode="json"),
            environment=environment.lock(
                micro_batch=request.batches(recipe)[0], processes=request.processes
            ),
            outcome={"first_loss": losses[0], "last_loss": losses[-1]} if losses else {},
        ),
    )
    return adapters.publish(draft, Path(request.adapters_dir), adapter_id)


def start_folder(request: TrainRequest) -> Path:
    """Return where the untrained adapter lies, of which a converted one is the difference."""
    return request.work_dir / "start"


def remember_start(request: TrainRequest, recipe: Recipe, model: PeftModel) -> None:
    """Keep the untrained adapter where it has rewritten the base beneath it (olora, pissa)."""
    if recipe.lora.shifts_base and recipe.tuner.kind == "lora":
        model.save_pretrained(start_folder(request), save_embedding_layers=False)


def _save(
    model: PeftModel,
    recipe: Recipe,
    draft: Path,
    *,
    start: Path,
    weights: Mapping[str, Any] | None = None,
) -> None:
    """Save the learned adapter so that the untouched base can carry it."""
    if weights is not None:
        _save_gathered(model, draft, weights)
    elif recipe.tuner.stack:
        _save_stack(model, draft)
    elif start.is_dir():
        model.save_pretrained(
            draft,
            selected_adapters=[LEARNED],
            save_embedding_layers=False,
            path_initial_model_for_weight_conversion=str(start),
        )
    else:
        model.save_pretrained(draft, selected_adapters=[LEARNED], save_embedding_layers=False)


def _save_gathered(model: PeftModel, draft: Path, weights: Mapping[str, Any]) -> None:
    """Save a LoRA from weights that were gathered from shards, by peft's names of its files.

    peft 0.21 itself finds none: it asks for modules by name, and FSDP has put its own between.
    """
    from safetensors.torch import save_file

    part = f".{LEARNED}."
    learned = {name.replace(part, "."): w for name, w in weights.items() if part in name}
    model.peft_config[LEARNED].save_pretrained(str(draft))
    save_file(learned, draft / adapters.WEIGHTS, metadata={"format": "pt"})


def _save_stack(model: PeftModel, draft: Path) -> None:
    """Save parent and child as one LoRA whose rank is the sum of theirs: exactly both together."""
    model.add_weighted_adapter([PARENT, LEARNED], [1.0, 1.0], STACK, combination_type="cat")
    model.save_pretrained(draft, selected_adapters=[STACK], save_embedding_layers=False)
    for path in (draft / STACK).iterdir():
        path.replace(draft / path.name)
    (draft / STACK).rmdir()


def _settle_config(path: Path, base_model: str) -> None:
    """Name the base instead of its path, and put in order what peft keeps in sets."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_model
    for key in ("target_modules", "feedforward_modules"):
        if isinstance(config.get(key), list):
            config[key] = sorted(config[key])
    config["inference_mode"] = True
    path.write_text(json.dumps(config, sort_keys=True, indent=2) + "\n", encoding="utf-8")
