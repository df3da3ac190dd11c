"""Configuration for vLLM and Ray Serve: what the settings say, checked by vLLM's own parser."""

from pathlib import Path

import pytest
import torch
import yaml

from lake.errors import SettingsError
from models import recipes
from models.serving import configs


def vllm(**more: object) -> dict[str, object]:
    return configs.vllm("/models/saiga", recipes.load("saiga_mistral_7b"), devices=2) | more


def test_vllm_gets_the_base_the_rank_and_the_precision_of_training() -> None:
    told = yaml.safe_load(configs.as_yaml(vllm()))

    assert ("/models/saiga", "base", 2) == (
        told["model"],
        told["served-model-name"],
        told["tensor-parallel-size"],
    )
    assert told["max-lora-rank"] in configs.RANKS
    assert told["max-lora-rank"] >= recipes.load("saiga_mistral_7b").lora.r
    assert "127.0.0.1" == told["host"]


def test_vllms_own_parser_takes_every_flag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reason = "vLLM is not installed; `make vllm-flags` gets what its parser needs"
    platforms = pytest.importorskip("vllm.platforms", reason=reason)
    if not torch.cuda.is_available():  # without a device vLLM knows no platform, and asks for one
        cpu = pytest.importorskip("vllm.platforms.cpu").CpuPlatform()
        monkeypatch.setattr(platforms, "current_platform", cpu, raising=False)
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    config = tmp_path / "vllm.yaml"
    config.write_text(configs.as_yaml(vllm()))
    told = make_arg_parser(FlexibleArgumentParser()).parse_args(["--config", str(config)])

    assert ("/models/saiga", "bitsandbytes", True) == (
        told.model,
        told.quantization,
        told.enable_lora,
    )
    assert (configs.ADAPTERS_AT_ONCE, 16, 2) == (
        told.max_loras,
        told.max_lora_rank,
        told.tensor_parallel_size,
    )


def test_rays_own_schemas_take_every_key() -> None:
    reason = "Ray Serve LLM is not installed; `make vllm-flags` gets what its schemas need"
    llm = pytest.importorskip("ray.serve.llm", reason=reason, exc_type=ImportError)
    from ray.serve.schema import ServeDeploySchema

    recipe = recipes.load("saiga2_70b")
    told = configs.ray("meta/70b", recipe, devices=4, adapters="s3://lake/adapters")
    (application,) = ServeDeploySchema(**told).applications
    model = llm.LLMConfig(**application.args["llm_configs"][0])

    assert ("base", 4) == (model.model_id, model.engine_kwargs["tensor_parallel_size"])
    assert "s3://lake/adapters" == model.lora_config.dynamic_lora_loading_path


def test_ray_loads_adapters_from_an_object_store_and_nowhere_else() -> None:
    recipe = recipes.load("saiga2_70b")
    told = configs.ray("meta/70b", recipe, devices=4, adapters="s3://lake/adapters")

    (application,) = told["applications"]
    (model,) = application["args"]["llm_configs"]
    assert "ray.serve.llm:build_openai_app" == application["import_path"]
    assert ("base", 4) == (
        model["model_loading_config"]["model_id"],
        model["engine_kwargs"]["tensor_parallel_size"],
    )
    with pytest.raises(SettingsError, match="object store"):
        configs.ray("meta/70b", recipe, devices=4, adapters="/home/adapters")


@pytest.mark.parametrize("name", ["embedded_ia3", "embedded_llama_adapter"])
def test_what_vllm_cannot_serve_is_told(name: str) -> None:
    with pytest.raises(SettingsError, match="vLLM does not serve"):
        configs.vllm("base", recipes.load(name), devices=1)
