"""trl's trainers over an adapted base, one for each method, with the traps of that stack closed.

T2  trl casts a quantised model's adapter to bfloat16 and resumes it in float32: the adapter is
    kept in float32, so a killed and resumed run ends in the same bytes.
T3  a half-written checkpoint is resumed or crashes: `models.checkpoints` seals them.
T5  peft saves every adapter of a model, each in a folder, and the trainer resumes from the folders
    alone: the adapter that learns would start anew from its parent.  Frozen copies are taken
    out of a checkpoint before it is sealed; they are made again from the parent.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import checkpoints
from models.recipes import Recipe
from models.training import ranks, spent
from models.training.request import Report, TrainRequest
from models.training.rows import Rows
from models.training.spent import Account
from models.training.tuners import adapted_base, compute_dtype, training_device

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Trainer

PROGRESS_REPORTS = 40
"""How often a run speaks: about so many times from its first step to its last."""
REFERENCE = "ref"
"""trl's name of the frozen copy that DPO and KTO compare with."""


def build_trainer(
    request: TrainRequest,
    recipe: Recipe,
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    report: Report,
    *,
    account: Account | None = None,
) -> Trainer:
    """Return the trainer of a recipe's method, ready to train or to resume.

    Its checkpoints keep what the `account` says was spent; without one, nothing.
    """
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback

    disable_progress_bars()
    device = training_device()
    model = adapted_base(request, recipe, device)
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    data = Dataset.from_list([dict(example.columns) for example in rows.examples])
    build = {"dpo": _dpo, "kto": _kto}.get(recipe.method, _supervised)
    trainer = build(
        request,
        recipe,
        model=model,
        train_dataset=data,
        processing_class=tokenizer,
        callbacks=_callbacks(report, account),
    )
    trainer.remove_callback(PrinterCallback)
    if recipe.tuner.kind == "adaption_prompt":  # peft kept the forward that trl has replaced since
        trainer.model.base_model.forward = trainer.model.base_model.model.forward
    for name, parameter in trainer.model.named_parameters():  # T2
        if name in before:
            parameter.data = before[name]
    return trainer


def _supervised(request: TrainRequest, recipe: Recipe, **given: Any) -> Trainer:
    """Return the trainer of dialogues: their tokens and labels are ready, only packing is trl's."""
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        **_common(request, recipe),
        train_sampling_strategy="group_by_length" if recipe.training.group_by_length else "random",
        packing=recipe.packing,
        padding_free=recipe.training.padding_free,
        max_length=recipe.max_length if recipe.packing else None,  # `read_rows` sees to it
        dataset_kwargs={"skip_prepare_dataset": not recipe.packing},
    )
    return SFTTrainer(args=arguments, **given)


def _dpo(request: TrainRequest, recipe: Recipe, **given: Any) -> Trainer:
    from trl import DPOConfig, DPOTrainer

    preference = recipe.preference
    losses = [recipe.loss, *(["sft"] if preference.sft else [])]
    arguments = DPOConfig(
        **_common(request, recipe),
        max_length=None,
        beta=preference.beta,
        loss_type=losses,
        loss_weights=[1.0, preference.sft][: len(losses)],
    )
    return _without_idle_reference(DPOTrainer(args=arguments, **given), request)


def _kto(request: TrainRequest, recipe: Recipe, **given: Any) -> Trainer:
    """Return trl's KTO; it pairs neighbours to measure divergence, so rows come shuffled."""
    from trl import KTOConfig, KTOTrainer

    preference = recipe.preference
    arguments = KTOConfig(
        **_common(request, recipe),
        max_length=None,
        beta=preference.beta,
        loss_type=recipe.loss,
        desirable_weight=preference.desirable_weight,
        undesirable_weight=preference.undesirable_weight,
    )
    return _without_idle_reference(KTOTrainer(args=arguments, **given), request)


def _without_idle_reference(trainer: Trainer, request: TrainRequest) -> Trainer:
    """Return the trainer without the copy of a fresh adapter: switched off, it is the same."""
    if not request.parent_adapter:
        trainer.model.delete_adapter(REFERENCE)
    return trainer


def _common(request: TrainRequest, recipe: Recipe) -> dict[str, Any]:
    """Return the arguments that all trainers share."""
    import torch

    device = training_device()
    training, optimizer = recipe.training, recipe.optimizer
    micro_batch, accumulation = request.batches(recipe)
    return {
        "output_dir": str(request.work_dir),
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "max_steps": training.max_steps or -1,
        "num_train_epochs": training.epochs,
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": accumulation,
        "gradient_checkpointing": training.gradient_checkpointing,
        "learning_rate": optimizer.lr,
        "lr_scheduler_type": optimizer.schedule,
        "warmup_steps": optimizer.warmup if optimizer.warmup < 1 else int(optimizer.warmup),
        "optim": optimizer.name,
        "adam_beta2": optimizer.beta2,
        "weight_decay": optimizer.weight_decay,
        "max_grad_norm": optimizer.max_grad_norm,
        "bf16": device.type == "cuda" and compute_dtype(recipe, device) == torch.bfloat16,
        "use_cpu": device.type == "cpu",
        # Of shards peft 0.21 would write a checkpoint without weights: see `publishing`.
        "save_strategy": "steps" if training.checkpoint_steps and not ranks.shards_base() else "no",
        "save_steps": training.checkpoint_steps or 500,
        "save_total_limit": 2,
        "logging_steps": 1 / PROGRESS_REPORTS,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": device.type == "cuda",
        # All that learns is in every step: looking for what is not would cost a pass over it.
        **({"ddp_find_unused_parameters": False} if ranks.processes() > 1 else {}),
    }


def _callbacks(report: Report, account: Account | None) -> list[Any]:
    from transformers import TrainerCallback

    class Progress(TrainerCallback):
        """Tell how far the training is, and seal each checkpoint (T3)."""

        def on_train_begin(self, _args: Any, _state: Any, _control: Any, **_: Any) -> None:
            self.at = time.monotonic()
            self.tokens = 0.0

        def on_log(self, _args: Any, state: Any, _control: Any, **told: Any) -> None:
            logs: dict[str, Any] = told.get("logs") or {}
            if "loss" not in logs:
                return
            now, tokens = time.monotonic(), float(logs.get("num_tokens", 0.0))
            speed = (tokens - self.tokens) / max(now - self.at, 1e-9)
            self.at, self.tokens = now, tokens
            step = {"event": "step", "step": state.global_step, "steps": state.max_steps}
            report({**step, "loss": float(logs["loss"]), "tokens_per_second": round(speed)})

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            # The last one stays unsealed: resumed with no step left, the trainer begins another
            # epoch, and the adapter comes out different (found by kills, tests/crash).
            if state.global_step < state.max_steps:
                checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                ranks.wait_for_all()  # each writes the state of its own random numbers
                so_far = account.now() if account else None
                if ranks.is_main():
                    _drop_frozen_copies(checkpoint)
                    if so_far:
                        spent.keep(so_far, checkpoint)
                    checkpoints.seal(checkpoint)

    return [Progress()]


def _drop_frozen_copies(checkpoint: Path) -> None:
    """Close T5: leave the adapter that learns, which lies in no folder of its own."""
    for folder in checkpoint.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
