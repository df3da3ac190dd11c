"""What a training will need, from the base's `config.json` and the recipe alone.

Memory is a sum of parts, each a product of counts; `docs/executors.md` compares it with what was
measured.  Time is the arithmetic of a token over what a device does in a second: measured on the
same base before, or assumed as a share of the device's peak; `basis` says which.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lake.errors import BackendUnavailable
from models.recipes import Recipe

NF4_BITS = {True: 4.127, False: 4.5}
"""Bits a weight with and without double quantisation (arXiv 2305.14314 §3: 0.127 for 0.5)."""

LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

PEAK_BF16 = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 multiply-adds a second times two, SXM parts: NVIDIA's data sheets."""

OPTIMIZER_BYTES = {
    "adamw_torch": 8,
    "paged_adamw_32bit": 8,
    "adamw_bnb_8bit": 2,
    "paged_adamw_8bit": 2,
}
"""Two moments a trainable parameter, of four bytes or of one."""

CPU_FLOPS = 20e9
"""Arithmetic a second and thread of a Zen 4 EPYC: 17e9 to 22e9 in steps of a shape of two million
parameters, by `tests/benchmarks/gpu_training.py --preset tiny`."""
UTILISATION = 0.35
"""The share of a GPU's peak in a step of 2,048 tokens or more: 0.34 to 0.47 on an H200, by
`tests/benchmarks/results/gpu_training.json`.  With 512 tokens a step it is 0.03 to 0.11, so time is
told too short there, until the same recipe has run once."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of a decoder that memory and time depend on; all are counts."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    inner: int
    vocabulary: int
    tied: bool

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Return (inputs, outputs) of each linear map of a layer."""
        wide, narrow = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (self.hidden, wide),
            "k_proj": (self.hidden, narrow),
            "v_proj": (self.hidden, narrow),
            "o_proj": (wide, self.hidden),
            "gate_proj": (self.hidden, self.inner),
            "up_proj": (self.hidden, self.inner),
            "down_proj": (self.inner, self.hidden),
        }

    @property
    def linear_parameters(self) -> int:
        """Return the weights of all layers' linear maps: those that are quantised."""
        return self.layers * sum(i * o for i, o in self.linears.values())

    @property
    def head_parameters(self) -> int:
        """Return the weights of the map to the vocabulary."""
        return self.hidden * self.vocabulary

    @property
    def other_parameters(self) -> int:
        """Return what is never quantised: embeddings, the head unless tied, norms."""
        tables = self.head_parameters * (1 if self.tied else 2)
        return tables + (2 * self.layers + 1) * self.hidden

    def adapter_parameters(self, rank: int, targets: tuple[str, ...]) -> int:
        """Return the weights of a low-rank adapter on those maps of every layer."""
        chosen = LINEARS if targets == ("all-linear",) else targets
        pairs = (self.linears[name] for name in chosen if name in self.linears)
        return self.layers * rank * sum(i + o for i, o in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a shape is trained: `tokens` in a micro-batch of rows of `length`, bytes a number.

    `compute_bytes` is what activations take, `other_bytes` the tables and norms, `adapter_bytes`
    an adapter's weight (its gradient too), `optimizer_bytes` its moments.
    """

    rank: int
    targets: tuple[str, ...]
    tokens: int
    length: int
    weight_bits: float
    compute_bytes: int
    other_bytes: int
    adapter_bytes: int
    optimizer_bytes: int
    checkpointing: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """Peak bytes of one training step, by what they hold."""

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    workspace: int

    @property
    def total(self) -> int:
        """Return the sum of all parts."""
        return sum(asdict(self).values())


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a training is expected to take; `seconds` is None where no rate is known.

    `basis` says in words where the rate is from.
    """

    memory_bytes: Mapping[str, int]
    peak_memory_bytes: int
    tokens: int
    flops: float
    seconds: float | None
    basis: str

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate as plain JSON values."""
        return asdict(self)

    def in_words(self) -> str:
        """Return the estimate as a person reads it."""
        size = f"{self.peak_memory_bytes / 2**30:.2f} GiB, {self.tokens:,} tokens"
        if self.seconds is None:
            return f"about {size}; {self.basis}"
        return f"about {size}, {self.seconds:,.0f} s ({self.basis})"


def read_shape(base: Path) -> Shape:
    """Return the shape of a base in Hugging Face format; raise `BackendUnavailable` without."""
    path = base / "config.json"
    if not path.is_file():
        raise BackendUnavailable(
            f"`{base.name}` has no config.json.", hint="give the folder of a Hugging Face model"
        )
    return shape_of(json.loads(path.read_text(encoding="utf-8")))


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a `config.json` of the Llama family describes."""
    heads = config["num_attention_heads"]
    return Shape(
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        inner=config["intermediate_size"],
        vocabulary=config["vocab_size"],
        tied=bool(config.get("tie_word_embeddings", False)),
    )


def load_of(recipe: Recipe, device: str, *, micro_batch: int = 0) -> Load:
    """Return how a recipe is trained on `cuda` or `cpu`: what `models.qlora` does, in bytes.

    Adapters are kept in float32 (T2), and peft keeps what is not quantised in float32 as well.
    """
    quantised = recipe.quantization.kind == "nf4"
    auto = "bfloat16" if device == "cuda" else "float32"
    named = recipe.quantization.compute_dtype.replace("auto", auto)
    compute = 2 if named == "bfloat16" else 4
    batch = micro_batch or recipe.training.batch
    return Load(
        rank=recipe.lora.r if recipe.tuner.kind == "lora" else 0,  # the others are vectors
        targets=recipe.lora.target_modules,
        tokens=batch * recipe.max_length,
        length=recipe.max_length,
        weight_bits=NF4_BITS[recipe.quantization.double_quant] if quantised else 8 * compute,
        compute_bytes=compute,
        other_bytes=4 if quantised else compute,
        adapter_bytes=4,
        optimizer_bytes=OPTIMIZER_BYTES[recipe.optimizer.name],
        checkpointing=recipe.training.gradient_checkpointing,
    )


def memory(shape: Shape, load: Load) -> Memory:
    """Return the peak of one step, without the libraries themselves and without fragments."""
    adapter = shape.adapter_parameters(load.rank, load.targets)
    quantised = round(shape.linear_parameters * load.weight_bits / 8)
    largest = max(i * o for i, o in shape.linears.values())
    return Memory(
        weights=quantised + shape.other_parameters * load.other_bytes,
        adapter=adapter * load.adapter_bytes,
        gradients=adapter * load.adapter_bytes,
        optimizer=adapter * load.optimizer_bytes,
        activations=load.tokens * _activation_bytes(shape, load),
        # the largest map is dequantised for the product, beside the one before it
        workspace=2 * largest * load.compute_bytes if load.weight_bits < 8 else 0,
    )


def _activation_bytes(shape: Shape, load: Load) -> int:
    """Return the bytes a token needs until its gradient has passed.

    A layer keeps about twelve vectors of the hidden width (norms, residuals, queries, keys,
    values, the inputs of adapters) and six of the inner one.  With checkpointing every layer keeps
    its input alone, and one at a time is computed again.  Logits take four bytes thrice: as they
    are, as probabilities, and their gradient; they are gone before the layers' turn comes.
    """
    layer = load.compute_bytes * (12 * shape.hidden + 6 * shape.inner)
    logits = 12 * shape.vocabulary
    if not load.checkpointing:
        return shape.layers * layer + logits
    return shape.layers * shape.hidden * load.compute_bytes + max(layer, logits)


def flops_per_token(shape: Shape, load: Load, *, recomputed: bool = False) -> float:
    """Return the arithmetic of a trained token, in multiply-adds times two.

    A frozen weight costs 2 forwards and 2 for the gradient that passes through it; a weight of the
    adapter 2 more for its own.  Causal attention costs 2 * length * width a layer forwards (half
    of the square) and twice that backwards.  `recomputed` adds the second forward pass of
    checkpointing, which is work of the device but not of the model.
    """
    adapter = shape.adapter_parameters(load.rank, load.targets)
    attention = 2.0 * load.length * shape.heads * shape.head_dim * shape.layers
    body = 2.0 * shape.linear_parameters
    whole = 2 * (body + 2.0 * shape.head_parameters) + 6.0 * adapter + 3 * attention
    return whole + (body + 2.0 * adapter + attention) * (recomputed and load.checkpointing)


def peak_flops(device_name: str) -> float | None:
    """Return the bfloat16 peak of a device by its name, or None where it is not in the table."""
    return next((peak for part, peak in PEAK_BF16.items() if part in device_name), None)


def expect(
    shape: Shape,
    load: Load,
    tokens: int,
    *,
    method: str = "sft",
    resident_bytes: int = 0,
    flops_per_second: float | None = None,
    basis: str = "",
) -> Estimate:
    """Return what training on so many tokens takes; `resident_bytes` is what is taken already.

    A preference method asks the reference model too, which is one more forward pass of three.
    """
    parts = {**asdict(memory(shape, load)), "resident": resident_bytes}
    reference = 4 / 3 if method in {"dpo", "kto"} else 1.0
    flops = tokens * flops_per_token(shape, load, recomputed=True) * reference
    seconds = flops / flops_per_second if flops_per_second else None
    return Estimate(parts, sum(parts.values()), tokens, flops, seconds, basis)


def known_rate(
    device: str, threads: int, flops_of_a_token: float, tokens_per_second: float
) -> tuple[float | None, str]:
    """Return the arithmetic a second to expect of a device, and where that is known from.

    `tokens_per_second` is what an earlier training of the same recipe and base reached, 0 for none.
    """
    if tokens_per_second > 0:
        words = f"{tokens_per_second:.0f} tokens/s when this recipe ran on this base before"
        return tokens_per_second * flops_of_a_token, words
    if device == "cpu":
        return CPU_FLOPS * threads, f"{CPU_FLOPS / 1e9:.0f} GFLOP/s a thread, as on a Zen 4 core"
    peak = peak_flops(device)
    if peak is None:
        return None, f"no rate is known for {device}"
    return peak * UTILISATION, f"{UTILISATION:.0%} of the peak of {device}, as in large steps"
