"""The network computes what Qwen3 or Llama computes, and its own gradients are the true ones."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from models.base_spec import BaseSpec, base_specs, load_spec
from models.growth import hub_config
from models.network import (
    HEAD_WIDTH,
    IGNORED,
    NORM_EPSILON,
    Network,
    cross_entropy,
    rms_norm,
    rotary_table,
    rotation,
)

VOCABULARY = 300


@pytest.fixture(scope="module", params=["embedded-quick", "embedded-llama-quick"])
def spec(request) -> BaseSpec:
    return replace(load_spec(request.param), width=64, layers=2, heads=2, inner=128)


@pytest.fixture(scope="module")
def network(spec: BaseSpec) -> Network:
    torch.manual_seed(0)
    network = Network(spec, VOCABULARY)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(float(parameter.dim() == 1), 0.2)
    return network


def test_logits_are_those_of_transformers(network: Network, spec: BaseSpec):
    from transformers import AutoConfig, AutoModelForCausalLM

    config = hub_config(spec, VOCABULARY)
    theirs = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(config.pop("model_type"), **config)
    ).eval()
    missing = theirs.load_state_dict(network.state_dict(), strict=False)
    tokens = torch.randint(0, VOCABULARY, (3, 40))
    with torch.no_grad():
        ours, expected = network(tokens), theirs(input_ids=tokens).logits

    assert (missing.missing_keys, missing.unexpected_keys) == (["lm_head.weight"], [])
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_the_loss_counts_only_what_is_not_ignored(network: Network):
    tokens, targets = torch.randint(0, VOCABULARY, (2, 4, 20))
    targets[2:, 5:] = IGNORED
    expected = F.cross_entropy(
        network(tokens).flatten(0, 1), targets.flatten(), ignore_index=IGNORED
    )

    torch.testing.assert_close(network.loss(tokens, targets), expected)


def test_gradients_are_right():
    torch.manual_seed(0)

    def double(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    targets = torch.randint(0, 7, (5,))
    cosines, sines = (table.double() for table in rotary_table(3))

    assert torch.autograd.gradcheck(rms_norm, (double(2, 3, 8), double(8)))
    assert torch.autograd.gradcheck(
        lambda x: rotation(x, cosines, sines), (double(2, 3, 2, HEAD_WIDTH),)
    )
    x, embeddings = double(5, 4), double(7, 4)
    ours = torch.autograd.grad(cross_entropy(x, embeddings, targets), (x, embeddings))
    true = torch.autograd.grad(F.cross_entropy(x @ embeddings.T, targets), (x, embeddings))
    torch.testing.assert_close(ours, true)


def test_the_norm_is_that_of_torch():
    x, weight = torch.randn(4, 16), torch.randn(16)

    torch.testing.assert_close(rms_norm(x, weight), F.rms_norm(x, (16,), weight, eps=NORM_EPSILON))


def test_shapes_fit_four_bit_kernels():
    """bitsandbytes packs outputs in 32s and inputs in 64s on CPUs with AVX-512 BF16."""
    for spec in base_specs().values():
        assert spec.width == spec.heads * HEAD_WIDTH
        assert spec.width % 64 == spec.inner % 64 == 0
