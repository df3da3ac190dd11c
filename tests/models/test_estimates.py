"""What a training takes, by arithmetic: against figures worked out by hand for 65B and 70B."""

import pytest

from lake.errors import BackendUnavailable
from models import estimates, recipes
from models.estimates import Load, Shape

GIB = 2**30
LLAMA2_70B = Shape(8192, 80, 64, 8, 128, 28672, 32000, tied=False)
LLAMA_65B = Shape(8192, 80, 64, 64, 128, 22016, 32000, tied=False)
PAPER = {
    "rank": 64, "targets": ("all-linear",), "tokens": 512, "length": 512, "weight_bits": 4.127,
    "compute_bytes": 2, "other_bytes": 2, "adapter_bytes": 2, "optimizer_bytes": 8,
    "checkpointing": True,
}  # fmt: skip
BY_HAND = [  # GiB of one step, batch 1
    (LLAMA_65B, {}, 42.7),
    (LLAMA_65B, {"tokens": 2048}, 45.5),
    (LLAMA2_70B, {}, 45.0),
    (LLAMA2_70B, {"tokens": 2048}, 48.0),
    (LLAMA2_70B, {"adapter_bytes": 4}, 48.1),
    (LLAMA2_70B, {"adapter_bytes": 4, "tokens": 2048}, 51.1),
    (LLAMA2_70B, {"optimizer_bytes": 2}, 40.4),
    (LLAMA2_70B, {"optimizer_bytes": 2, "tokens": 2048}, 43.3),
    (LLAMA2_70B, {"rank": 16, "adapter_bytes": 4}, 38.8),
    (LLAMA2_70B, {"rank": 16, "adapter_bytes": 4, "tokens": 2048}, 41.8),
]


@pytest.mark.parametrize(("shape", "changes", "gib"), BY_HAND)
def test_memory_is_what_was_worked_out_by_hand(shape, changes, gib):
    total = estimates.memory(shape, Load(**{**PAPER, **changes})).total

    assert total / GIB == pytest.approx(gib, rel=0.02)


def test_a_layer_of_llama_2_70b_has_its_published_weights():
    assert 855_638_016 == LLAMA2_70B.linear_parameters // 80
    assert 10_354_688 == LLAMA2_70B.adapter_parameters(64, ("all-linear",)) // 80


def test_weights_are_those_of_a_real_network(tiny):
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(tiny)
    shape = estimates.read_shape(tiny)
    counted = shape.linear_parameters + shape.other_parameters
    norms_of_queries_and_keys = shape.layers * 2 * shape.head_dim  # Qwen3's own, a few hundred

    assert sum(p.numel() for p in network.parameters()) == counted + norms_of_queries_and_keys


def test_checkpointing_trades_memory_for_arithmetic():
    kept = Load(**{**PAPER, "checkpointing": False})
    again = Load(**PAPER)

    def activations(load):
        return estimates.memory(LLAMA2_70B, load).activations

    assert activations(kept) > 10 * activations(again)
    own = estimates.flops_per_token(LLAMA2_70B, again)
    assert own < estimates.flops_per_token(LLAMA2_70B, again, recomputed=True) < 1.6 * own
    assert own == pytest.approx(4 * 68.7e9, rel=0.03)


def test_time_is_told_only_where_a_rate_is_known():
    load = estimates.load_of(recipes.load("guanaco_65b"), "cuda")
    flops = estimates.flops_per_token(LLAMA_65B, load, recomputed=True)

    def expected(device, measured=0.0):
        rate, basis = estimates.known_rate(device, 1, flops, measured)
        return estimates.expect(LLAMA_65B, load, 1000, flops_per_second=rate, basis=basis)

    assert expected("NVIDIA H100 80GB HBM3").seconds > 0
    assert expected("a card nobody measured").seconds is None
    assert "no rate is known" in expected("a card nobody measured").in_words()
    assert 10.0 == pytest.approx(expected("anything", measured=100.0).seconds)


def test_a_folder_without_a_config_is_no_base(tmp_path):
    with pytest.raises(BackendUnavailable, match=r"no config\.json"):
        estimates.read_shape(tmp_path)
