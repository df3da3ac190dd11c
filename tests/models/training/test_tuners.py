"""What is laid on the base: every kind trains, is published, and loads outside Steppe."""

import json
from pathlib import Path

import pytest

from lake.errors import DeploymentError, ModelError
from models import adapters, qlora
from models.backends.embedded import TransformersModel
from models.evaluation import probe
from models.testing import tiny_base

TALK = [[{"role": "user", "content": "Где мои ключи?"}]]
KINDS = {
    "ia3": {"tuner": {"kind": "ia3"}},
    "adaption_prompt": {"tuner": {"kind": "adaption_prompt"}},
    "gaussian": {"lora": {"init": "gaussian"}},
    "rslora": {"lora": {"rslora": True}},
    "dora": {"lora": {"dora": True}},
    "olora": {"lora": {"init": "olora"}},
    "pissa": {"lora": {"init": "pissa"}, "quantization": {"kind": "none"}},
}


@pytest.fixture(scope="session")
def llama(tmp_path_factory):
    """A two-layer base of Llama's shape with random weights."""
    return tiny_base(tmp_path_factory.mktemp("llama") / "base", shape="llama")


@pytest.fixture(scope="module")
def made(quick_request, tiny, llama):
    """Return a maker of adapters by kind, each trained once."""
    known = {}

    def make(kind: str) -> tuple[Path, qlora.AdapterReport]:
        if kind not in known:
            base = llama if kind == "adaption_prompt" else tiny
            request = quick_request(base_path=str(base), recipe=KINDS[kind])
            known[kind] = base, qlora.train(request, lambda _: None)
        return known[kind]

    return make


def logits(model):
    import torch

    tokens = torch.arange(40).reshape(2, 20) + 100
    with torch.inference_mode():
        return model(input_ids=tokens).logits


def loaded(base: Path, *adapters_above: str):
    """Return the float base under adapters that all act, loaded by peft alone."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base).eval()
    if not adapters_above:
        return model
    model = PeftModel.from_pretrained(model, adapters_above[0], adapter_name="0")
    for name, path in enumerate(adapters_above[1:], start=1):
        model.load_adapter(path, str(name))
        model.base_model.set_adapter([str(n) for n in range(name + 1)])
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_and_is_published(made, kind):
    _, report = made(kind)
    folder = Path(report.path)
    config = json.loads((folder / adapters.CONFIG).read_text())

    assert report.losses[-1][1] < report.losses[0][1]
    assert adapters.verify(folder)
    assert "steppe-tiny" == config["base_model_name_or_path"]
    assert {adapters.WEIGHTS, adapters.CONFIG, adapters.MANIFEST} == {
        path.name for path in folder.iterdir()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_loads_outside_steppe_and_is_evaluated(made, kind):
    base, report = made(kind)
    moved = (logits(loaded(base, report.path)) - logits(loaded(base))).abs().max()
    talk = [[*TALK[0], {"role": "assistant", "content": "Ключи лежат на полке у двери."}]]
    before, after = (TransformersModel(base, path) for path in (None, Path(report.path)))

    assert moved > 1e-3
    assert after.loss(talk)[0].sum_nats < before.loss(talk)[0].sum_nats
    assert after.generate(TALK, max_new_tokens=4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_resumes_to_the_same_bytes(made, quick_request, tmp_path, kind):
    base, report = made(kind)
    request = quick_request(tmp_path, base_path=str(base), recipe=KINDS[kind])

    def stop(event: dict) -> None:
        if event.get("step") == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qlora.train(request, stop)

    assert report.sha256 == qlora.train(request, lambda _: None).sha256


@pytest.mark.parametrize("kind", ["olora", "pissa"])
def test_one_that_shifted_the_base_is_published_for_the_base_as_it_was(made, kind):
    """It is converted to a plain LoRA of twice the rank."""
    _, report = made(kind)
    config = json.loads((Path(report.path) / adapters.CONFIG).read_text())

    assert (16, True) == (config["r"], config["init_lora_weights"])


def test_a_stacked_adapter_is_parent_and_child_in_one(trained, quick_request, tiny, tmp_path):
    """Published as one LoRA; the base with it says what base, parent and child say together."""
    import torch

    recipe = {"tuner": {"stack": True}, "lora": {"r": 4, "alpha": 4}}
    request = quick_request(tmp_path, parent_adapter=trained.path, recipe=recipe)
    stacked = qlora.train(request, lambda _: None)
    config = json.loads((Path(stacked.path) / adapters.CONFIG).read_text())
    child = only_child(stacked.path, trained.path, tmp_path / "child", rank=4)

    together = logits(loaded(tiny, trained.path, str(child)))

    assert (8 + 4, False) == (config["r"], config["use_rslora"])
    torch.testing.assert_close(logits(loaded(tiny, stacked.path)), together, rtol=0, atol=1e-5)
    assert (together - logits(loaded(tiny, trained.path))).abs().max() > 1e-3
    assert trained.adapter_id == stacked.parent_adapter_id
    assert stacked.trainable_parameters * 2 == trained.trainable_parameters


def only_child(stacked: str, parent: str, folder: Path, *, rank: int) -> Path:
    """Write the last `rank` rows of a stacked adapter as an adapter of its own."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(Path(stacked) / adapters.WEIGHTS)
    above = load_file(Path(parent) / adapters.WEIGHTS)
    for name, parents in above.items():  # what stands first is the parent, its scale in A
        scale = 2.0 if "lora_A" in name else 1.0  # alpha 16 over r 8
        part = weights[name][: len(parents)] if "lora_A" in name else weights[name][:, :8]
        torch.testing.assert_close(part, scale * parents)
    folder.mkdir()
    taken = {n: w[-rank:] if "lora_A" in n else w[:, -rank:] for n, w in weights.items()}
    save_file({n: w.contiguous() for n, w in taken.items()}, folder / adapters.WEIGHTS)
    config = json.loads((Path(stacked) / adapters.CONFIG).read_text())
    config |= {"r": rank, "lora_alpha": rank}
    (folder / adapters.CONFIG).write_text(json.dumps(config))
    return folder


def test_a_stacked_training_resumes_to_the_same_bytes(trained, quick_request, tmp_path):
    recipe = {"tuner": {"stack": True}}
    whole = qlora.train(quick_request(parent_adapter=trained.path, recipe=recipe), lambda _: None)
    request = quick_request(tmp_path, parent_adapter=trained.path, recipe=recipe)

    def stop(event: dict) -> None:
        if event.get("step") == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qlora.train(request, stop)

    assert whole.sha256 == qlora.train(request, lambda _: None).sha256


def test_a_frozen_parent_is_as_it_was(trained, quick_request, tmp_path):
    """Its part of the stacked weights is compared with it in `only_child`."""
    recipe = {"tuner": {"stack": True}, "optimizer": {"weight_decay": 0.5}}
    request = quick_request(parent_adapter=trained.path, recipe=recipe)
    stacked = qlora.train(request, lambda _: None)

    assert only_child(stacked.path, trained.path, tmp_path / "child", rank=8)


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"tuner": {"stack": True}}, "there is none"),
        ({"tuner": {"kind": "adaption_prompt"}}, "this base is `qwen3`"),
    ],
)
def test_what_cannot_be_laid_on_is_refused_with_a_hint(quick_request, recipe, told):
    with pytest.raises(ModelError, match=told) as caught:
        qlora.train(quick_request(recipe=recipe), lambda _: None)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"tuner": {"stack": True}}, "is no plain LoRA"),
        ({}, "is of kind `ia3`"),
    ],
)
def test_a_parent_of_another_kind_is_refused(made, quick_request, recipe, told):
    _, parent = made("ia3")

    with pytest.raises(ModelError, match=told):
        qlora.train(quick_request(parent_adapter=parent.path, recipe=recipe), lambda _: None)


@pytest.mark.parametrize("kind", ["ia3", "adaption_prompt", "dora"])
def test_the_engine_says_what_it_cannot_serve(made, kind):
    from models.serving.engine import Engine

    base, report = made(kind)
    engine = Engine(base)

    with pytest.raises(DeploymentError, match="cannot be served: it is") as caught:
        engine.load_adapter("steppe@aaaaaaaaaaaa", Path(report.path))
    assert "models.backends.embedded" in caught.value.hint
    assert {} == engine.adapters


def test_an_adapter_that_cannot_be_served_is_evaluated_and_moves_nothing_there(made):
    base, report = made("ia3")
    found = probe.run(base, Path(report.path), TALK)

    assert (1.0, 0.0) == (found.scores[0].value, found.scores[1].value)
