"""One part of `gpu_training.py` in a process of its own: the last line printed is its JSON.

    python tests/benchmarks/gpu_parts.py base  SHAPE FOLDER        a hub-format base, random weights
    python tests/benchmarks/gpu_parts.py loads SHAPE FOLDER ADAPTER
    python tests/benchmarks/gpu_parts.py steps SHAPE PLAN [PLAN ...]   PLAN: optimizer:batch:length

`steps` builds the frozen base on the device map by map: random numbers are made, quantised to NF4
and let go, so that a 70B shape never stands there in sixteen bits.  Random weights cost the same
memory and time as learned ones; only what they say is nothing.
"""

import gc
import json
import os
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from models import estimates

SHAPES: dict[str, dict[str, Any]] = {
    "tiny-qwen3": {"kind": "qwen3", "hidden_size": 64, "intermediate_size": 128,
                   "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
                   "head_dim": 32, "vocab_size": 384, "tie_word_embeddings": True},
    "tiny-llama": {"kind": "llama", "hidden_size": 256, "intermediate_size": 512,
                   "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
                   "vocab_size": 1024, "tie_word_embeddings": False},
    # Qwen3's and Llama 2's published configurations.
    "qwen3-0.6b": {"kind": "qwen3", "hidden_size": 1024, "intermediate_size": 3072,
                   "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
                   "head_dim": 128, "vocab_size": 151936, "tie_word_embeddings": True},
    "qwen3-8b": {"kind": "qwen3", "hidden_size": 4096, "intermediate_size": 12288,
                 "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
                 "head_dim": 128, "vocab_size": 151936, "tie_word_embeddings": False},
    "llama2-70b": {"kind": "llama", "hidden_size": 8192, "intermediate_size": 28672,
                   "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
                   "vocab_size": 32000, "tie_word_embeddings": False},
}  # fmt: skip
RANK, ALPHA, DROPOUT = 64, 16, 0.05  # QLoRA's 65B settings (arXiv 2305.14314, appendix B)
TIMED_STEPS = 3
OPTIMIZERS = {
    "adam8": ("AdamW8bit", 2),
    "adam32": ("AdamW32bit", 8),
    "paged8": ("PagedAdamW8bit", 2),
    "paged32": ("PagedAdamW32bit", 8),
}


def config_of(shape: str) -> Any:
    """Return the transformers configuration of a shape."""
    from transformers import LlamaConfig, Qwen3Config

    numbers = dict(SHAPES[shape])
    kind = {"llama": LlamaConfig, "qwen3": Qwen3Config}[numbers.pop("kind")]
    return kind(**numbers, max_position_embeddings=4096, pad_token_id=0, bos_token_id=1,
                eos_token_id=2)  # fmt: skip


def base(shape: str, folder: str) -> dict[str, Any]:
    """Write a base of that shape with random weights and a small tokenizer, as a hub has them."""
    import torch
    from transformers import AutoModelForCausalLM

    from models.testing import tiny_base

    started = time.monotonic()
    path = tiny_base(Path(folder))
    (path / "model.safetensors").unlink()
    torch.manual_seed(0)
    with torch.device(device()):
        network = AutoModelForCausalLM.from_config(config_of(shape), dtype=torch.bfloat16)
    network.save_pretrained(path)
    count = sum(p.numel() for p in network.parameters())
    return {"parameters": count, "seconds": round(time.monotonic() - started, 1)}


def loads(_shape: str, folder: str, adapter: str) -> dict[str, Any]:
    """Load the adapter on its base again, as everything that answers does, and use it."""
    from models.adapters import verify
    from models.backends.embedded import TransformersModel

    verify(Path(adapter))
    model = TransformersModel(Path(folder), Path(adapter))
    talk = [[{"role": "user", "content": "Где мои ключи?"}]]
    moved = (model.next_logits(talk) - model.next_logits(talk, adapted=False)).abs().max()
    return {"loads": True, "logits_moved_by": float(moved)}


def device() -> str:
    """Return `cuda` where there is one, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def frozen(config: Any) -> Any:
    """Return a random base in NF4 with double quantisation, made on the device map by map."""
    import bitsandbytes as bnb
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.integrations import replace_with_bnb_linear

    numbers = torch.Generator(device()).manual_seed(0)
    quantised = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16, attn_implementation="sdpa"
        )
        model = replace_with_bnb_linear(
            model, modules_to_not_convert=["lm_head"], quantization_config=quantised
        )

    def drawn(like: Any) -> Any:
        made = torch.empty(like.shape, device=device(), dtype=torch.bfloat16)
        return made.normal_(0, config.initializer_range, generator=numbers)

    tables: dict[int, Any] = {}  # a tied head is the same parameter
    for module in list(model.modules()):
        if isinstance(module, bnb.nn.Linear4bit):
            made = drawn(torch.empty(module.out_features, module.in_features, device="meta"))
            weight = bnb.nn.Params4bit(
                made, requires_grad=False, quant_type="nf4", compress_statistics=True, module=module
            )
            module.weight = weight.to(device())
            continue
        for name, held in list(module.named_parameters(recurse=False)):
            if id(held) not in tables:
                full = torch.ones_like(held, device=device()) if held.ndim == 1 else drawn(held)
                tables[id(held)] = (torch.nn.Parameter(full, requires_grad=False), held)
            setattr(module, name, tables[id(held)][0])
    rotary = model.model.rotary_emb  # its buffers are computed, not stored, and were on meta
    model.model.rotary_emb = type(rotary)(config=config).to(device())
    model.is_loaded_in_4bit = model.is_quantized = True
    return model


def adapted(model: Any) -> Any:
    """Return the base under a bfloat16 adapter on every map, with gradient checkpointing."""
    import torch
    from peft import LoraConfig, get_peft_model

    model.config.use_cache = False
    model.gradient_checkpointing_enable({"use_reentrant": False})
    model.enable_input_require_grads()
    lora = LoraConfig(
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        bias="none",
        target_modules=list(estimates.LINEARS),
        task_type="CAUSAL_LM",
    )
    with torch.device(device()):
        model = get_peft_model(model, lora, autocast_adapter_dtype=False)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.bfloat16()
    return model.train()


def steps(shape: str, *plans: str) -> dict[str, Any]:
    """Take a few optimizer steps by every plan; one that does not fit says so."""
    import torch

    started = time.monotonic()
    config = config_of(shape)
    model = adapted(frozen(config))
    _synchronize()
    found: dict[str, Any] = {
        "shape": shape,
        "device": torch.cuda.get_device_name(0) if device() == "cuda" else "cpu",
        "build_seconds": round(time.monotonic() - started, 1),
        "built_bytes": _peak(),
        "adapter_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "runs": [],
    }
    for plan in plans:
        optimizer, batch, length = plan.split(":")
        try:
            run = _timed(model, config, optimizer, int(batch), int(length))
        except torch.OutOfMemoryError as error:
            run = {"plan": plan, "out_of_memory": str(error).split(". ")[0]}
        model.zero_grad(set_to_none=True)
        _emptied()
        found["runs"].append(run)
        sys.stderr.write(f"{json.dumps(run)}\n")
    return found


def _timed(model: Any, config: Any, optimizer: str, batch: int, length: int) -> dict[str, Any]:
    """Return peak memory, tokens a second and the share of the peak that were used."""
    import bitsandbytes as bnb
    import torch

    learned = [p for p in model.parameters() if p.requires_grad]
    _emptied()
    kind, moment_bytes = OPTIMIZERS[optimizer]
    adam = getattr(bnb.optim, kind)(learned, lr=1e-4, betas=(0.9, 0.999))
    generator = torch.Generator(device()).manual_seed(1)
    losses, seconds = [], []
    for _ in range(1 + TIMED_STEPS):
        shape = (batch, length)
        tokens = torch.randint(config.vocab_size, shape, device=device(), generator=generator)
        _synchronize()
        started = time.monotonic()
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 0.3)
        adam.step()
        adam.zero_grad(set_to_none=True)
        losses.append(loss.item())
        _synchronize()
        seconds.append(time.monotonic() - started)
    peak = _peak()
    form = estimates.shape_of(config.to_dict())
    load = _load(batch * length, length, moment_bytes)
    expected = estimates.memory(form, load)
    rate = batch * length / statistics.median(seconds[1:])
    return {
        "plan": f"{optimizer}:{batch}:{length}",
        "losses": [round(loss, 4) for loss in losses],
        "step_seconds": [round(s, 4) for s in seconds],
        "tokens_per_second": round(rate, 1),
        "peak_bytes": peak,
        "reserved_bytes": _reserved(),
        "predicted_bytes": expected.total,
        "predicted": asdict(expected),
        **_utilisation(form, load, rate),
    }


def _load(tokens: int, length: int, moment_bytes: int) -> estimates.Load:
    return estimates.Load(
        rank=RANK,
        targets=estimates.LINEARS,
        tokens=tokens,
        length=length,
        weight_bits=estimates.NF4_BITS[True],
        compute_bytes=2,
        other_bytes=2,
        adapter_bytes=2,
        optimizer_bytes=moment_bytes,
        checkpointing=True,
    )


def _utilisation(shape: estimates.Shape, load: estimates.Load, rate: float) -> dict[str, Any]:
    """Return MFU (the model's own arithmetic) and HFU (the recomputed forward pass too)."""
    import torch

    own = estimates.flops_per_token(shape, load)
    done = estimates.flops_per_token(shape, load, recomputed=True)
    name = torch.cuda.get_device_name(0) if device() == "cuda" else "cpu"
    peak = estimates.peak_flops(name)
    return {
        "flops_per_token": own,
        "achieved_flops_per_second": rate * done,
        "mfu": rate * own / peak if peak else None,
        "hfu": rate * done / peak if peak else None,
    }


def _synchronize() -> None:
    import torch

    if device() == "cuda":
        torch.cuda.synchronize()


def _emptied() -> None:
    import torch

    gc.collect()
    if device() == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak() -> int:
    """Return the most bytes that tensors took on the GPU, or this process's peak on a CPU."""
    import resource

    import torch

    if device() == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _reserved() -> int | None:
    import torch

    return torch.cuda.max_memory_reserved() if device() == "cuda" else None


if __name__ == "__main__":
    part, *arguments = sys.argv[1:]
    print(json.dumps({"base": base, "loads": loads, "steps": steps}[part](*arguments)))
