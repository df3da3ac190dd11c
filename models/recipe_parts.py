"""The tables of a recipe: what each may hold, typed and frozen.

Their defaults, with the source of each, stand in `recipes/defaults.toml`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A table of a recipe: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Quantization(Part):
    """How the frozen base is kept in memory while the adapter learns."""

    kind: Literal["nf4", "none"]
    double_quant: bool
    compute_dtype: Literal["auto", "float32", "bfloat16"]


class Tuner(Part):
    """What is laid on the frozen base.

    `parent` is what the adapter begins from: nothing, or the champion.  `stack` keeps that frozen
    beneath a new one and publishes both as one LoRA; without it the parent itself learns on.
    """

    kind: Literal["lora", "ia3", "adaption_prompt"]
    parent: Literal["none", "champion"]
    stack: bool


class Lora(Part):
    """A low-rank adapter: rank, scale, dropout, the modules that carry it, and how it starts.

    `olora` and `pissa` start from the base's own principal directions and shift the base; what is
    published is converted to a plain LoRA of twice the rank.  `pissa` needs a float base.
    """

    r: int = Field(ge=1, le=512)
    alpha: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    target_modules: tuple[str, ...] = Field(min_length=1)
    init: Literal["default", "gaussian", "olora", "pissa"]
    rslora: bool
    dora: bool

    @property
    def shifts_base(self) -> bool:
        """Return whether the start of this adapter rewrites the weights beneath it."""
        return self.init in ("olora", "pissa")


class Ia3(Part):
    """One learned factor an activation (arXiv 2205.05638); `feedforward` ones scale inputs."""

    target_modules: tuple[str, ...] = Field(min_length=1)
    feedforward_modules: tuple[str, ...]


class AdaptionPrompt(Part):
    """Learned prompts behind a gate in the topmost `layers` (LLaMA-Adapter, arXiv 2303.16199)."""

    length: int = Field(ge=1)
    layers: int = Field(ge=1)


class Preference(Part):
    """How DPO and KTO weigh two answers.

    `auto` is the method's own loss: `sigmoid` for DPO, `kto` for KTO.  `beta` holds the adapter to
    its reference; `sft` above 0 adds so many times the chosen answer's own loss (DPO only); the
    weights are KTO's, for liked and disliked answers that are not equally many.
    """

    loss: Literal[
        "auto", "sigmoid", "sigmoid_norm", "hinge", "ipo", "apo_zero", "kto", "apo_zero_unpaired"
    ]
    beta: float = Field(gt=0)
    sft: float = Field(ge=0, le=10)
    desirable_weight: float = Field(gt=0)
    undesirable_weight: float = Field(gt=0)


class Optimizer(Part):
    """Names are those of `transformers`; `warmup` below 1 is a share of the steps, else steps."""

    name: Literal["adamw_torch", "paged_adamw_32bit", "adamw_bnb_8bit", "paged_adamw_8bit"]
    lr: float = Field(gt=0, le=1)
    beta2: float = Field(gt=0, lt=1)
    weight_decay: float = Field(ge=0)
    max_grad_norm: float = Field(gt=0)
    schedule: Literal["constant", "constant_with_warmup", "linear", "cosine"]
    warmup: float = Field(ge=0)


class Training(Part):
    """How long and in what batches; `max_steps` above 0 replaces `epochs`."""

    epochs: float = Field(gt=0)
    max_steps: int = Field(ge=0)
    batch: int = Field(ge=1)
    accumulation: int = Field(ge=1)
    group_by_length: bool
    padding_free: bool
    gradient_checkpointing: bool
    checkpoint_steps: int = Field(ge=0)


class Mixture(Part):
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


class Budget(Part):
    """What of a training set models may have made; `models.budget` has the arithmetic."""

    max_depth: int = Field(ge=0)
    min_human_share: float = Field(ge=0, le=1)
    max_method_share: float = Field(ge=0, le=1)
    judge_is_not_generator: bool
