"""The base as a training holds it: quantised and frozen, with something small to learn on top.

T1 is closed here: bitsandbytes repacks 4-bit weights at the first evaluation on CPUs with
AVX512-BF16, after which gradients are silently wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import ModelError
from models.recipes import Recipe
from models.training import ranks
from models.training.request import TrainRequest

if TYPE_CHECKING:
    import torch
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel

LEARNED = "default"
"""peft's name of the adapter that learns."""
PARENT = "parent"
"""The name of a frozen parent beneath it, where a recipe stacks."""


def adapted_base(request: TrainRequest, recipe: Recipe, device: torch.device) -> PeftModel:
    """Return the base, quantised as the recipe says, under a fresh or an inherited adapter."""
    import torch
    from peft import prepare_model_for_kbit_training

    base = _load_base(Path(request.base_path), recipe, device)
    if ranks.shards_base():
        base.requires_grad_(requires_grad=False)  # peft would make some float32, and FSDP no unit
    elif recipe.quantization.kind == "nf4":
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    base.config.use_cache = False
    torch.manual_seed(recipe.seed)
    model = _tuned(base, request, recipe)
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


def training_device() -> torch.device:
    """Return this process's GPU, the first where it is alone, or the CPU where there is none."""
    import torch

    own = f"cuda:{ranks.local_rank()}"
    return torch.device(own if torch.cuda.is_available() else "cpu")


def compute_dtype(recipe: Recipe, device: torch.device) -> torch.dtype:
    """Return the type that the recipe computes in on a device."""
    import torch

    auto = torch.bfloat16 if device.type == "cuda" else torch.float32
    named = {"auto": auto, "float32": torch.float32, "bfloat16": torch.bfloat16}
    return named[recipe.quantization.compute_dtype]


def _load_base(path: Path, recipe: Recipe, device: torch.device) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    dtype = compute_dtype(recipe, device)
    quantised = recipe.quantization.kind == "nf4"
    # FSDP flattens weights of one float type only: the bytes of four-bit weights are called that.
    storage = {"bnb_4bit_quant_storage": dtype} if ranks.shards_base() else {}
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=recipe.quantization.double_quant,
        bnb_4bit_compute_dtype=dtype,
        **storage,
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


def _tuned(base: PreTrainedModel, request: TrainRequest, recipe: Recipe) -> PeftModel:
    from peft import PeftModel, get_peft_model

    if recipe.tuner.stack:
        return _stacked(base, request, recipe)
    if not request.parent_adapter:
        return get_peft_model(base, _config(recipe, base))
    model = PeftModel.from_pretrained(base, request.parent_adapter, is_trainable=True)
    _same_shape(model.peft_config[LEARNED], recipe)
    return model


def _stacked(base: PreTrainedModel, request: TrainRequest, recipe: Recipe) -> PeftModel:
    """Return the base under its parent, frozen, and a fresh adapter: both act, one learns.

    The learned one comes first among the active ones: the trainer resumes the first.
    """
    from peft import PeftConfig, get_peft_model

    if not request.parent_adapter:
        raise ModelError(
            f"Recipe `{recipe.name}` stacks an adapter on a parent, and there is none.",
            hint="name a parent adapter, or set tuner.stack = false",
        )
    _must_be_lora(PeftConfig.from_pretrained(request.parent_adapter))
    model = get_peft_model(base, _config(recipe, base))
    model.load_adapter(request.parent_adapter, PARENT)
    model.base_model.set_adapter([LEARNED, PARENT])
    for name, parameter in model.named_parameters():
        if f".{PARENT}." in name:
            parameter.requires_grad = False
    return model


def _config(recipe: Recipe, base: PreTrainedModel) -> PeftConfig:
    makers = {"lora": _lora, "ia3": _ia3, "adaption_prompt": _adaption_prompt}
    return makers[recipe.tuner.kind](recipe, base)


def _lora(recipe: Recipe, _base: PreTrainedModel) -> PeftConfig:
    from peft import LoraConfig

    lora, wanted = recipe.lora, list(recipe.lora.target_modules)
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=wanted[0] if wanted == ["all-linear"] else sorted(wanted),
        init_lora_weights=True if lora.init == "default" else lora.init,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        bias="none",
        task_type="CAUSAL_LM",
    )


def _ia3(recipe: Recipe, _base: PreTrainedModel) -> PeftConfig:
    from peft import IA3Config

    return IA3Config(
        target_modules=sorted(recipe.ia3.target_modules),
        feedforward_modules=sorted(recipe.ia3.feedforward_modules),
        task_type="CAUSAL_LM",
    )


def _adaption_prompt(recipe: Recipe, base: PreTrainedModel) -> PeftConfig:
    from peft import AdaptionPromptConfig
    from peft.tuners.adaption_prompt.config import TRANSFORMERS_MODEL_CONFIG

    if base.config.model_type not in TRANSFORMERS_MODEL_CONFIG:
        raise ModelError(
            f"peft lays adaption prompts on {', '.join(TRANSFORMERS_MODEL_CONFIG)}; "
            f"this base is `{base.config.model_type}`.",
            hint='set base_model = "embedded-llama", or take another tuner.kind',
        )
    layers = min(recipe.adaption_prompt.layers, base.config.num_hidden_layers)
    return AdaptionPromptConfig(
        adapter_len=recipe.adaption_prompt.length, adapter_layers=layers, task_type="CAUSAL_LM"
    )


def _same_shape(config: PeftConfig, recipe: Recipe) -> None:
    kind = str(config.peft_type.value).lower()
    if kind != recipe.tuner.kind:
        raise ModelError(
            f"The parent adapter is of kind `{kind}`; recipe `{recipe.name}` trains "
            f"`{recipe.tuner.kind}`.",
            hint="continue with the recipe the parent was trained with, or start without a parent",
        )
    if kind == "lora" and (config.r, config.lora_alpha) != (recipe.lora.r, recipe.lora.alpha):
        raise ModelError(
            f"The parent adapter has r={config.r}, alpha={config.lora_alpha}; "
            f"recipe `{recipe.name}` wants r={recipe.lora.r}, alpha={recipe.lora.alpha}.",
            hint="continue with the recipe the parent was trained with, or start without a parent",
        )


def _must_be_lora(config: PeftConfig) -> None:
    if config.peft_type.value != "LORA" or config.use_dora:
        raise ModelError(
            f"The parent adapter, {config.peft_type.value}, is no plain LoRA; only those stack.",
            hint="stack on a plain LoRA, or set tuner.stack = false to train the parent on",
        )
