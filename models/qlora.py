"""QLoRA: the base frozen in four bits, a small adapter learned on top (arXiv 2305.14314).

The same code trains a million parameters on a CPU and a 7B model on one GPU, through
bitsandbytes, peft and trl: rows → model → trainer → adapter.  The traps of that stack are closed
where they lie, each held by a test: T1 in `training.tuners`, T2, T3 and T5 in `training.trainers`
(with `models.checkpoints`), T4, spinning OpenMP threads that eat the machine, in
`models.processes`.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import TrainingFailed
from models import adapters, checkpoints, recipes
from models.chat import load_tokenizer, template_id
from models.energy import Meter
from models.recipes import Recipe
from models.training import ranks
from models.training.publishing import publish, remember_start
from models.training.request import AdapterReport, Report, TrainRequest
from models.training.rows import Rows, read_rows
from models.training.spent import Account
from models.training.trainers import build_trainer
from models.training.tuners import adapted_base, training_device

if TYPE_CHECKING:
    from transformers import Trainer

__all__ = [
    "AdapterReport",
    "Report",
    "Rows",
    "TrainRequest",
    "adapted_base",
    "build_trainer",
    "read_rows",
    "train",
]

METRICS = {
    "rewards/accuracies": "reward_accuracy",
    "rewards/margins": "reward_margin",
    "rewards/chosen": "reward_chosen",
    "rewards/rejected": "reward_rejected",
    "kl": "divergence",
}
"""What trl logs of a preference method, and what the report calls it."""


def train(request: TrainRequest, report: Report, account: Account | None = None) -> AdapterReport:
    """Train the adapter that is asked for and publish it; resume what a kill interrupted.

    Of several processes that train together the main one publishes and cleans up; all return.
    `account` counts from before this attempt, where there were others; else from here.

    `report` gets `{"event": "step", "step", "steps", "loss", "tokens_per_second"}` as it goes.
    Raise `TrainingFailed` where nothing is left to learn from or the loss is not a number.
    """
    import torch

    account = account or Account(Meter(on_gpu=training_device().type == "cuda"))
    recipe = recipes.parse(request.recipe)
    tokenizer = load_tokenizer(Path(request.base_path))
    rows = read_rows(Path(request.rows_path), tokenizer, recipe)
    report({"event": "rows", "rows": rows.total, "dropped": dict(rows.dropped)})
    if not rows.examples:
        raise TrainingFailed(
            f"None of {rows.total} rows can be trained on: {dict(rows.dropped)}.",
            hint="raise `max_length` in the recipe, or take in more dialogues",
        )
    _refuse_shards(recipe)
    trainer = build_trainer(request, recipe, rows, tokenizer, report, account=account)
    model = trainer.model  # FSDP puts itself in its place
    ranks.from_main(lambda: remember_start(request, recipe, model))
    learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    checkpoint = ranks.from_main(lambda: checkpoints.newest_sound(request.work_dir))
    if checkpoint:
        account.go_on_from(checkpoint)
    try:
        outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except torch.OutOfMemoryError:  # whoever tries again with fewer rows pays for these too
        account.give_up(_tokens_seen(trainer, recipe, rows))
        raise
    if not math.isfinite(outcome.training_loss):
        raise TrainingFailed(
            f"The loss became {outcome.training_loss}.", hint="lower `lr` in the recipe"
        )
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    losses = [entry["loss"] for entry in history]
    weights = trainer.accelerator.get_state_dict(trainer.model) if ranks.shards_base() else None
    folder = ranks.from_main(
        lambda: publish(request, recipe, model, template_id(tokenizer), losses, weights=weights)
    )
    ranks.from_main(lambda: shutil.rmtree(request.work_dir))
    manifest, spent = adapters.read_manifest(folder), account.now()
    return AdapterReport(
        adapter_id=manifest.adapter_id,
        served_name=adapters.served_name(manifest.adapter_id),
        path=str(folder),
        base_id=request.base_id,
        base_model=request.base_model,
        method=recipe.method,
        recipe_id=recipe.recipe_id,
        training_set_id=request.training_set_id,
        parent_adapter_id=manifest.parent_adapter_id,
        template_id=manifest.template_id,
        sha256=manifest.files[adapters.WEIGHTS],
        rows=rows.total,
        rows_trained=len(rows.examples),
        rows_dropped=rows.dropped,
        tokens=spent.tokens + _tokens_seen(trainer, recipe, rows),
        steps=trainer.state.global_step,
        train_loss=_mean_of_tail(losses),
        losses=tuple((e["step"], e["loss"]) for e in history),
        metrics=_metrics(history),
        trainable_parameters=learned,
        device=str(model.device),
        seconds=spent.seconds,
        cpu_seconds=spent.cpu_seconds,
        energy_joules=spent.joules,
        peak_memory_bytes=int(max(ranks.gathered(_peak_memory()))),
    )


def _refuse_shards(recipe: Recipe) -> None:
    """Refuse to shard the base where nothing can, or for more than a plain LoRA on dialogues."""
    if not ranks.shards_base():
        return
    if training_device().type != "cuda":
        raise TrainingFailed(
            "FSDP shards a base over GPUs, and there is none.", hint='set training.launch = "ddp"'
        )
    plain = recipe.tuner.kind == "lora" and not recipe.tuner.stack
    if not plain or recipe.lora.dora or recipe.lora.shifts_base or recipe.is_preference:
        raise TrainingFailed(
            f"Recipe `{recipe.name}` is not a plain LoRA on dialogues, all that shards can learn.",
            hint='set training.launch = "ddp", which keeps the base in whole on every device',
        )


def _tokens_seen(trainer: Trainer, recipe: Recipe, rows: Rows) -> int:
    """Return about how many tokens all steps read, padding left out."""
    examples = trainer.state.global_step * recipe.training.batch * recipe.training.accumulation
    epochs = min(examples / len(trainer.train_dataset), examples)  # packed, an example is many rows
    return round(rows.tokens * epochs)


def _metrics(history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the means of a preference method's rewards over the end of the run."""
    logged = {name: [e[key] for e in history if key in e] for key, name in METRICS.items()}
    return {name: _mean_of_tail(values) for name, values in logged.items() if values}


def _mean_of_tail(values: Sequence[float], share: int = 10) -> float:
    tail = values[-max(len(values) // share, 1) :]
    return sum(tail) / len(tail) if tail else float("nan")


def _peak_memory() -> int:
    """Return the largest resident size of this process in bytes; on a GPU the device's peak."""
    import resource

    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
