"""Configuration of servers from elsewhere: vLLM for a workstation, Ray Serve LLM for a cluster.

    steppe serve --show vllm > vllm.yaml; VLLM_ALLOW_RUNTIME_LORA_UPDATING=True \\
        vllm serve --config vllm.yaml --api-key KEY
    steppe serve --show ray > serve.yaml; serve run serve.yaml

vLLM's keys are its command line's (0.32, `vllm serve --help`); Ray's are those of `LLMConfig`
(docs.ray.io, Serve LLM, configuration reference).  Neither ever listens beyond this machine: the
gateway stands before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lake.errors import SettingsError

if TYPE_CHECKING:
    from models.recipes import Recipe

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks that vLLM 0.32 makes room for (`vllm/config/lora.py`)."""
ADAPTERS_AT_ONCE = 4
"""In one batch: the champion, a canary, and what drains of each."""
ADAPTERS_AT_HAND = 32
MODEL = "base"
PORT = 8000
CLOUD = ("s3://", "gs://", "abfss://", "azure://")
"""Where Ray Serve LLM loads adapters from; it asserts so."""


def vllm(base: str, recipe: Recipe, *, devices: int) -> dict[str, Any]:
    """Return vLLM's configuration file for a base and the adapters of a recipe."""
    told: dict[str, Any] = {
        "model": base,
        "served-model-name": MODEL,
        "host": "127.0.0.1",
        "port": PORT,
        "enable-lora": True,
        "max-lora-rank": rank(recipe),
        "max-loras": ADAPTERS_AT_ONCE,
        "max-cpu-loras": ADAPTERS_AT_HAND,
        "tensor-parallel-size": devices,
        "generation-config": "vllm",  # answers are drawn as a request says, not as the base's file
    }
    if recipe.quantization.kind != "none":
        told["quantization"] = "bitsandbytes"  # the precision that the adapter was trained on
    return told


def ray(base: str, recipe: Recipe, *, devices: int, adapters: str) -> dict[str, Any]:
    """Return Ray Serve's configuration for a base, with adapters from an object store."""
    if not adapters.startswith(CLOUD):
        raise SettingsError(
            f"Ray Serve loads adapters from an object store, and `{adapters}` is none.",
            hint="set `serving.adapters_url` to s3://..., and copy `models/adapters` there",
        )
    server = vllm(base, recipe, devices=devices)
    engine = {
        key.replace("-", "_"): value
        for key, value in server.items()
        if key not in ("model", "served-model-name", "host", "port")
    }
    model = {
        "model_loading_config": {"model_id": MODEL, "model_source": base},
        "engine_kwargs": engine,
        "lora_config": {
            "dynamic_lora_loading_path": adapters,
            "max_num_adapters_per_replica": ADAPTERS_AT_HAND,
        },
        "deployment_config": {"autoscaling_config": {"min_replicas": 1, "max_replicas": 1}},
    }
    application = {
        "name": "steppe",
        "route_prefix": "/",
        "import_path": "ray.serve.llm:build_openai_app",
        "args": {"llm_configs": [model]},
    }
    return {"http_options": {"host": "127.0.0.1", "port": PORT}, "applications": [application]}


def rank(recipe: Recipe) -> int:
    """Return the least rank that vLLM makes room for and a recipe's adapters fit in."""
    found = next((r for r in RANKS if r >= recipe.lora.r), None)
    if found is None or recipe.tuner.kind != "lora" or recipe.lora.dora:
        raise SettingsError(
            f"vLLM does not serve what `{recipe.name}` trains.",
            hint=f"it serves LoRA up to rank {RANKS[-1]}, without DoRA; the embedded server others",
        )
    return found


def as_yaml(told: dict[str, Any]) -> str:
    """Return a configuration as YAML, in the order it was told."""
    import yaml

    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True))
