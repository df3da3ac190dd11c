"""QLoRA: the base frozen in four bits, a low-rank adapter learned on top (arXiv 2305.14314).

The same code trains a million parameters on a CPU and a 7B model on one GPU, through
bitsandbytes, peft and trl.  Four traps of that stack are closed here, each held by a test:

T1  bitsandbytes repacks 4-bit weights at the first evaluation on CPUs with AVX512-BF16, after
    which gradients are silently wrong: the repacking is switched off.
T2  trl casts a quantised model's adapter to bfloat16 and resumes it in float32: the adapter is
    kept in float32, so a killed and resumed run ends in the same bytes.
T3  a half-written checkpoint is resumed or crashes: `models.checkpoints` seals them.
T4  spinning OpenMP threads eat the machine: `models.processes` calms them.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import ModelError, TrainingFailed
from lake.ids import file_id, json_id
from models import adapters, checkpoints, recipes
from models.chat import Encoded, as_rows, encode, load_tokenizer, template_id
from models.recipes import Recipe

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTConfig, SFTTrainer

Report = Callable[[dict[str, Any]], None]
LIBRARIES = ("torch", "transformers", "peft", "trl", "bitsandbytes")
PROGRESS_REPORTS = 40
"""How often a run speaks: about so many times from its first step to its last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Everything one training needs; JSON in, so that it can cross a process border.

    `rows_path` is JSONL, one `{"messages", "weight", "role"}` a line; `adapters_dir` the folder
    the finished adapter appears in, under its content id; `base_model` the base's name.
    `micro_batch` above 0 replaces the recipe's batch at the same effective batch, which it divides.
    """

    base_path: str
    base_id: str
    base_model: str
    recipe: Mapping[str, Any]
    rows_path: str
    adapters_dir: str
    training_set_id: str
    parent_adapter: str = ""
    micro_batch: int = 0

    def batches(self, recipe: Recipe) -> tuple[int, int]:
        """Return (micro-batch, accumulation): the recipe's, or a smaller one to the same effect."""
        batch, accumulation = recipe.training.batch, recipe.training.accumulation
        micro = self.micro_batch or batch
        return micro, batch * accumulation // micro

    @property
    def request_id(self) -> str:
        """Return the id of what is asked, machine paths left out: equal asks resume each other."""
        asked = [self.base_id, self.training_set_id, Path(self.parent_adapter).name]
        whole = (0, self.recipe["training"]["batch"])
        smaller = [] if self.micro_batch in whole else [self.micro_batch]
        return json_id([*asked, dict(self.recipe), file_id(Path(self.rows_path)), *smaller])

    @property
    def work_dir(self) -> Path:
        """Return the folder of drafts and checkpoints; it is gone once the adapter is there."""
        return Path(self.adapters_dir) / f".training-{self.request_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterReport:
    """What a training gave and what it cost; `losses` are (step, nats a learned token)."""

    adapter_id: str
    served_name: str
    path: str
    base_id: str
    base_model: str
    recipe_id: str
    training_set_id: str
    parent_adapter_id: str
    template_id: str
    sha256: str
    rows: int
    rows_trained: int
    rows_dropped: Mapping[str, int]
    tokens: int
    steps: int
    train_loss: float
    losses: tuple[tuple[int, float], ...]
    trainable_parameters: int
    device: str
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    # how it was run: `models.execution` fills these in
    micro_batch: int = 0
    memory_retries: int = 0
    tokens_per_second: float = 0.0
    energy_joules: float | None = None
    device_name: str = ""
    predicted: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows ready to train on, and how many were left out by reason."""

    encoded: tuple[Encoded, ...]
    total: int
    dropped: Mapping[str, int] = field(default_factory=dict)


def train(request: TrainRequest, report: Report) -> AdapterReport:
    """Train the adapter that is asked for and publish it; resume what a kill interrupted.

    `report` gets `{"event": "step", "step", "steps", "loss", "tokens_per_second"}` as it goes.
    Raise `TrainingFailed` where nothing is left to learn from or the loss is not a number.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    recipe = recipes.parse(request.recipe)
    tokenizer = load_tokenizer(Path(request.base_path))
    rows = read_rows(Path(request.rows_path), tokenizer, recipe)
    report({"event": "rows", "rows": rows.total, "dropped": dict(rows.dropped)})
    if not rows.encoded:
        raise TrainingFailed(
            f"None of {rows.total} rows can be trained on: {dict(rows.dropped)}.",
            hint="raise `max_length` in the recipe, or take in more dialogues",
        )
    trainer = build_trainer(request, recipe, rows, tokenizer, report)
    checkpoint = checkpoints.newest_sound(request.work_dir)
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if not math.isfinite(outcome.training_loss):
        raise TrainingFailed(
            f"The loss became {outcome.training_loss}.", hint="lower `lr` in the recipe"
        )
    folder = _publish(request, recipe, trainer, template_id(tokenizer))
    shutil.rmtree(request.work_dir)
    manifest = adapters.read_manifest(folder)
    losses = tuple((e["step"], e["loss"]) for e in trainer.state.log_history if "loss" in e)
    return AdapterReport(
        adapter_id=manifest.adapter_id,
        served_name=adapters.served_name(manifest.adapter_id),
        path=str(folder),
        base_id=request.base_id,
        base_model=request.base_model,
        recipe_id=recipe.recipe_id,
        training_set_id=request.training_set_id,
        parent_adapter_id=manifest.parent_adapter_id,
        template_id=manifest.template_id,
        sha256=manifest.files[adapters.WEIGHTS],
        rows=rows.total,
        rows_trained=len(rows.encoded),
        rows_dropped=rows.dropped,
        tokens=_tokens_seen(rows, recipe, trainer.state.global_step),
        steps=trainer.state.global_step,
        train_loss=_mean_of_tail(losses),
        losses=losses,
        trainable_parameters=sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        device=str(trainer.model.device),
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu_started,
        peak_memory_bytes=_peak_memory(),
    )


def read_rows(path: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> Rows:
    """Return the rows in tokens, those that cannot be learned counted by reason.

    `weight` is how often a row is told in an epoch; the fraction of it is drawn by seed.
    """
    rng = random.Random(f"weights/{recipe.seed}")
    dropped: Counter[str] = Counter()
    kept: list[Encoded] = []
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    for line in lines:
        row = json.loads(line)
        encoded = encode(tokenizer, as_rows(row["messages"]))
        if reason := _why_not(encoded, recipe.max_length):
            dropped[reason] += 1
            continue
        weight = float(row.get("weight", 1.0))
        copies = int(weight) + (rng.random() < weight % 1)
        kept.extend([encoded] * copies)
        dropped["weight_zero"] += copies == 0
    return Rows(tuple(kept), len(lines), dict(+dropped))


def _why_not(row: Encoded, max_length: int) -> str:
    if len(row.tokens) > max_length:
        return "longer_than_max_length"
    return "" if any(row.learned) else "no_assistant_words"


def build_trainer(
    request: TrainRequest,
    recipe: Recipe,
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    report: Report,
) -> SFTTrainer:
    """Return trl's trainer over an adapted base, with the four traps closed."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTTrainer

    device = _device()
    model = adapted_base(request, recipe, device)
    learned = [{"input_ids": list(row.tokens), "labels": row.labels()} for row in rows.encoded]
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    trainer = SFTTrainer(
        model=model,
        args=_arguments(request, recipe, device),
        train_dataset=Dataset.from_list(learned),
        processing_class=tokenizer,
        callbacks=_callbacks(report),
    )
    trainer.remove_callback(PrinterCallback)
    for name, parameter in trainer.model.named_parameters():  # T2
        if name in before:
            parameter.data = before[name]
    return trainer


def adapted_base(request: TrainRequest, recipe: Recipe, device: torch.device) -> PeftModel:
    """Return the base, quantised as the recipe says, under a fresh or an inherited adapter."""
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

    base = _load_base(Path(request.base_path), recipe, device)
    if recipe.quantization.kind == "nf4":
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    base.config.use_cache = False
    torch.manual_seed(recipe.seed)
    if request.parent_adapter:
        model = PeftModel.from_pretrained(base, request.parent_adapter, is_trainable=True)
        _same_shape(model, recipe)
    else:
        wanted = list(recipe.lora.target_modules)
        config = LoraConfig(
            r=recipe.lora.r,
            lora_alpha=recipe.lora.alpha,
            lora_dropout=recipe.lora.dropout,
            target_modules=wanted[0] if wanted == ["all-linear"] else sorted(wanted),
            bias="none",
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(base, config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


def keep_trainable(model: torch.nn.Module) -> None:
    """Close T1: forbid bitsandbytes to repack 4-bit weights for an inference-only kernel."""
    module: Any
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _load_base(path: Path, recipe: Recipe, device: torch.device) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    dtype = _compute_dtype(recipe, device)
    quantised = recipe.quantization.kind == "nf4"
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=recipe.quantization.double_quant,
        bnb_4bit_compute_dtype=dtype,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        str(path),
        dtype=dtype,
        quantization_config=config if quantised else None,
        device_map={"": str(device)},
        attn_implementation="sdpa",
    )
    keep_trainable(model)
    return model


def _same_shape(model: PeftModel, recipe: Recipe) -> None:
    config = model.peft_config["default"]
    if (config.r, config.lora_alpha) != (recipe.lora.r, recipe.lora.alpha):
        raise ModelError(
            f"The parent adapter has r={config.r}, alpha={config.lora_alpha}; "
            f"recipe `{recipe.name}` wants r={recipe.lora.r}, alpha={recipe.lora.alpha}.",
            hint="continue with the recipe the parent was trained with, or start without a parent",
        )


def _device() -> torch.device:
    import torch

    return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def _compute_dtype(recipe: Recipe, device: torch.device) -> torch.dtype:
    import torch

    auto = torch.bfloat16 if device.type == "cuda" else torch.float32
    named = {"auto": auto, "float32": torch.float32, "bfloat16": torch.bfloat16}
    return named[recipe.quantization.compute_dtype]


def _arguments(request: TrainRequest, recipe: Recipe, device: torch.device) -> SFTConfig:
    import torch
    from trl import SFTConfig

    training, optimizer = recipe.training, recipe.optimizer
    micro_batch, accumulation = request.batches(recipe)
    return SFTConfig(
        output_dir=str(request.work_dir),
        seed=recipe.seed,
        data_seed=recipe.seed,
        max_steps=training.max_steps or -1,
        num_train_epochs=training.epochs,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=accumulation,
        train_sampling_strategy="group_by_length" if training.group_by_length else "random",
        gradient_checkpointing=training.gradient_checkpointing,
        learning_rate=optimizer.lr,
        lr_scheduler_type=optimizer.schedule,
        warmup_steps=optimizer.warmup if optimizer.warmup < 1 else int(optimizer.warmup),
        optim=optimizer.name,
        adam_beta2=optimizer.beta2,
        weight_decay=optimizer.weight_decay,
        max_grad_norm=optimizer.max_grad_norm,
        bf16=device.type == "cuda" and _compute_dtype(recipe, device) == torch.bfloat16,
        use_cpu=device.type == "cpu",
        packing=recipe.packing,
        padding_free=training.padding_free,
        max_length=recipe.max_length if recipe.packing else None,  # `read_rows` sees to it
        dataset_kwargs={"skip_prepare_dataset": not recipe.packing},
        save_strategy="steps" if training.checkpoint_steps else "no",
        save_steps=training.checkpoint_steps or 500,
        save_total_limit=2,
        logging_steps=1 / PROGRESS_REPORTS,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=device.type == "cuda",
    )


def _callbacks(report: Report) -> list[Any]:
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
                checkpoints.seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return [Progress()]


def _publish(request: TrainRequest, recipe: Recipe, trainer: SFTTrainer, template: str) -> Path:
    draft = request.work_dir / "adapter"
    shutil.rmtree(draft, ignore_errors=True)
    trainer.model.save_pretrained(draft, save_embedding_layers=False)
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
            libraries=_versions(),
        ),
    )
    return adapters.publish(draft, Path(request.adapters_dir), adapter_id)


def _settle_config(path: Path, base_model: str) -> None:
    """Name the base instead of its path, and put in order what peft keeps in a set."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_model
    config["target_modules"] = sorted(config["target_modules"])
    config["inference_mode"] = True
    path.write_text(json.dumps(config, sort_keys=True, indent=2) + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in LIBRARIES}


def _tokens_seen(rows: Rows, recipe: Recipe, steps: int) -> int:
    dialogues = steps * recipe.training.batch * recipe.training.accumulation
    epochs = min(dialogues / len(rows.encoded), dialogues)
    return round(sum(len(row.tokens) for row in rows.encoded) * epochs)


def _mean_of_tail(losses: tuple[tuple[int, float], ...], share: int = 10) -> float:
    tail = [loss for _, loss in losses[-max(len(losses) // share, 1) :]]
    return sum(tail) / len(tail) if tail else float("nan")


def _peak_memory() -> int:
    """Return the largest resident size of this process in bytes; on a GPU the device's peak."""
    import resource

    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
