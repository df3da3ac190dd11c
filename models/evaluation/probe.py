"""Is the adapter really the one that was trained, and is it really served?

An adapter that was not loaded scores exactly as the base does; every other suite would call
that "no forgetting" (lm-evaluation-harness issue 2432 is such a case).  So the engine that serves
is asked for its logits with the adapter and without, and both are held to a third reading that
owes nothing to peft's loading: the weights in the adapter's file, added to the base by hand.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import DeploymentError
from models import adapters
from models.backends import Conversations
from models.chat import prompt_tokens
from models.evaluation import Result, Score

if TYPE_CHECKING:
    import torch

SUITE = "probe"


def run(base_path: Path, adapter_path: Path | None, prompts: Conversations) -> Result:
    """Return `files_match` (1 or 0), `logit_difference` and `served_error`.

    `logit_difference` is the largest change of a first-token logit that the served adapter makes,
    `served_error` how far the served logits are from the trained ones at most.  For a model
    without an adapter all are 0: there is nothing to probe.  An adapter that the engine cannot
    serve (IA3, LLaMA-Adapter, DoRA) moves nothing there either, which the gate refuses.
    """
    found = {"files_match": 0.0, "logit_difference": 0.0, "served_error": 0.0}
    if adapter_path is not None:
        found["files_match"] = float(_is_sound(adapter_path))
    if adapter_path is not None and not adapters.why_not_served(adapter_path):
        base, trained, served = logits(base_path, adapter_path, prompts)
        found["logit_difference"] = float((served - base).abs().max())
        found["served_error"] = float((served - trained).abs().max())
    return Result(tuple(Score(SUITE, m, x, x, x, len(prompts)) for m, x in found.items()))


def logits(
    base_path: Path, adapter_path: Path, prompts: Conversations
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return first-token logits of the base, of the trained weights, and as served.

    Each has the shape [prompts, vocabulary].
    """
    import torch

    from models.serving.engine import BASE, Engine

    engine = Engine(base_path)
    tokens = [prompt_tokens(engine.tokenizer, p) for p in prompts]

    def ask(adapter: str) -> torch.Tensor:
        return torch.stack([engine.last_logits(t, adapter) for t in tokens])

    base = ask(BASE)
    with added_by_hand(engine.base, adapter_path):
        trained = ask(BASE)
    engine.load_adapter("probed", adapter_path)
    return base, trained, ask("probed")


@contextlib.contextmanager
def added_by_hand(base: torch.nn.Module, adapter_path: Path) -> Iterator[None]:
    """Add a LoRA file to a network for the length of the block: W x + (alpha / r) B A x."""
    from peft import LoraConfig
    from safetensors.torch import load_file

    config = LoraConfig.from_pretrained(str(adapter_path))
    weights = load_file(adapter_path / adapters.WEIGHTS)
    scale = config.lora_alpha / (config.r**0.5 if config.use_rslora else config.r)
    hooks = []
    for key, down in weights.items():
        name, _, rest = key.partition(".lora_A")
        if not rest:
            continue
        module = base.get_submodule(name.removeprefix("base_model.model."))
        up = weights[f"{name}.lora_B{rest}"]
        hooks.append(module.register_forward_hook(_adding(down, up, scale)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _adding(down: torch.Tensor, up: torch.Tensor, scale: float) -> Any:
    def hook(_module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        x = inputs[0].to(down.dtype)
        ours = x @ down.to(x.device).T @ up.to(x.device).T
        return output + (scale * ours).to(output.dtype)

    return hook


def _is_sound(folder: Path) -> bool:
    try:
        adapters.verify(folder)
    except DeploymentError:
        return False
    return True
