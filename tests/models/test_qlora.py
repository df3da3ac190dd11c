"""QLoRA: the four traps closed, and an adapter that is the same bytes for the same request."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from lake.errors import ModelError, TrainingFailed
from models import adapters, qlora, recipes
from models.chat import load_tokenizer
from models.training import spent


def losses(request, *, evaluate_first):
    """Return three losses of plain steps on the quantised base, perhaps after an evaluation."""
    import torch

    recipe = recipes.parse(request.recipe)
    model = qlora.adapted_base(request, recipe, torch.device("cpu"))
    tokens = torch.arange(40).reshape(2, 20) + 100
    if evaluate_first:
        model.eval()
        with torch.no_grad():
            model(input_ids=tokens)
    model.train()
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, lr=0.5)
    found = []
    for _ in range(3):
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append(loss.item())
    return found


def test_an_evaluation_before_training_changes_nothing(quick_request):
    """T1: bitsandbytes would repack the weights at the first evaluation and lose gradients."""
    request = quick_request()

    assert losses(request, evaluate_first=False) == losses(request, evaluate_first=True)


def test_no_quantised_layer_may_repack_itself(quick_request):
    """T1, on machines without AVX512-BF16 too."""
    import torch

    request = quick_request()
    model = qlora.adapted_base(request, recipes.parse(request.recipe), torch.device("cpu"))
    layers = [m for m in model.modules() if hasattr(m, "support_avx512bf16_for_cpu")]

    assert layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_what_is_learned_is_float32_and_what_is_frozen_is_four_bits(trained, quick_request):
    """T2: a bfloat16 adapter resumes as another one."""
    from safetensors.torch import load_file

    weights = load_file(Path(trained.path) / adapters.WEIGHTS)

    assert {"torch.float32"} == {str(w.dtype) for w in weights.values()}


def test_the_same_request_gives_the_same_bytes(trained, quick_request):
    again = qlora.train(quick_request(), lambda _: None)

    assert trained.adapter_id == again.adapter_id
    assert adapters.digests(Path(trained.path)) == adapters.digests(Path(again.path))


def test_what_is_published_is_trls_own_training(trained, quick_request):
    """Progress, sealed checkpoints and the folder around it change no bit of the adapter."""
    import torch
    from datasets import Dataset
    from safetensors.torch import load_file
    from trl import SFTConfig, SFTTrainer

    request = quick_request()
    recipe = recipes.parse(request.recipe)
    tokenizer = load_tokenizer(Path(request.base_path))
    rows = qlora.read_rows(Path(request.rows_path), tokenizer, recipe)
    model = qlora.adapted_base(request, recipe, torch.device("cpu"))
    learned = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    arguments = SFTConfig(
        output_dir=request.adapters_dir,
        seed=recipe.seed,
        data_seed=recipe.seed,
        max_steps=recipe.training.max_steps,
        per_device_train_batch_size=recipe.training.batch,
        learning_rate=recipe.optimizer.lr,
        optim=recipe.optimizer.name,
        lr_scheduler_type=recipe.optimizer.schedule,
        warmup_steps=recipe.optimizer.warmup,
        adam_beta2=recipe.optimizer.beta2,
        max_grad_norm=recipe.optimizer.max_grad_norm,
        max_length=None,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        report_to="none",
        disable_tqdm=True,
    )
    data = Dataset.from_list([dict(example.columns) for example in rows.examples])
    trainer = SFTTrainer(model, arguments, train_dataset=data, processing_class=tokenizer)
    for name, parameter in trainer.model.named_parameters():
        if name in learned:
            parameter.data = learned[name]
    trainer.train()
    published = load_file(Path(trained.path) / adapters.WEIGHTS)
    by_trl = dict(trainer.model.named_parameters())

    assert len(published) == len(learned)
    for name, weight in published.items():
        assert torch.equal(weight, by_trl[name.replace(".weight", ".default.weight")].data)


def test_another_seed_gives_another_adapter(trained, quick_request):
    other = qlora.train(quick_request(recipe={"seed": 1}), lambda _: None)

    assert trained.adapter_id != other.adapter_id


def test_a_killed_training_resumes_to_the_same_bytes(trained, quick_request, tmp_path):
    """T2 and T3: SIGKILL after the second checkpoint, the newest then torn."""
    request = quick_request(tmp_path)
    code = (
        "import json, os, signal, sys\n"
        "from models.qlora import TrainRequest, train\n"
        "def report(event):\n"
        "    if event.get('step') == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "train(TrainRequest(**json.load(open(sys.argv[1]))), report)\n"
    )
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps(asdict(request)))
    root = str(Path(qlora.__file__).parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", code, str(asked)],
        env={**os.environ, "PYTHONPATH": root},
        check=False,
        capture_output=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    torn = request.work_dir / "checkpoint-4" / "adapter_model.safetensors"
    torn.write_bytes(torn.read_bytes()[:100])
    before, at = spent.read(request.work_dir / "checkpoint-2"), []

    resumed = qlora.train(request, lambda _: at.append(time.monotonic()))

    assert trained.sha256 == resumed.sha256
    assert not request.work_dir.exists()
    assert before.seconds > 0
    assert resumed.seconds > before.seconds + at[-1] - at[0]
    assert resumed.cpu_seconds > before.cpu_seconds
    assert trained.tokens == resumed.tokens


def test_one_killed_after_its_last_step_resumes_to_the_same_bytes(
    trained, quick_request, tmp_path, monkeypatch
):
    """Nothing is left to train then, but the adapter was not published."""
    request = quick_request(tmp_path)

    def killed(*_: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(qlora, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            qlora.train(request, lambda _: None)
    resumed = qlora.train(request, lambda _: None)

    assert trained.sha256 == resumed.sha256


def test_threads_do_not_spin(monkeypatch):
    """T4: two spinning OpenMP threads cost 44 CPU-s where one costs 4."""
    from models.processes import calm_environment

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    environment = calm_environment()

    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert environment["GOMP_SPINCOUNT"] == "0"


def test_an_adapter_is_three_files_without_a_path_or_a_pickle(trained, tiny):
    folder = Path(trained.path)
    config = (folder / adapters.CONFIG).read_text()

    assert {adapters.WEIGHTS, adapters.CONFIG, adapters.MANIFEST} == {
        p.name for p in folder.iterdir()
    }
    assert json.loads(config)["base_model_name_or_path"] == "steppe-tiny"
    assert str(tiny) not in config + (folder / adapters.MANIFEST).read_text()
    assert trained.adapter_id == folder.name == adapters.verify(folder).adapter_id


def test_peft_loads_it_outside_steppe(trained, tiny):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), trained.path)

    assert model.peft_config["default"].r == recipes.load("quick").lora.r


def test_training_may_go_on_from_a_parent(trained, quick_request):
    child = qlora.train(quick_request(parent_adapter=trained.path), lambda _: None)

    assert trained.adapter_id == child.parent_adapter_id
    assert child.losses[0][1] < trained.losses[0][1]


def test_a_parent_of_another_shape_is_refused(trained, quick_request):
    request = quick_request(parent_adapter=trained.path, recipe={"lora": {"r": 4}})

    with pytest.raises(ModelError, match="r=8"):
        qlora.train(request, lambda _: None)


def test_rows_that_cannot_be_learned_are_counted_by_reason(tiny, tmp_path):
    talk = [{"role": "user", "content": "Да?"}, {"role": "assistant", "content": "Да."}]
    long = [talk[0], {"role": "assistant", "content": "Да. " * 500}]
    rows = [
        {"messages": talk, "weight": 2.0},
        {"messages": long},
        {"messages": talk[:1]},
        {"messages": talk, "weight": 0.0},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))

    read = qlora.read_rows(path, load_tokenizer(tiny), recipes.load("quick"))

    assert (read.total, len(read.examples)) == (4, 2)
    assert read.dropped == {
        "longer_than_max_length": 1,
        "no_assistant_words": 1,
        "weight_zero": 1,
    }


def test_nothing_to_learn_from_is_an_error(quick_request, tmp_path):
    empty = tmp_path / "rows.jsonl"
    empty.write_text("")

    with pytest.raises(TrainingFailed, match="None of 0 rows"):
        qlora.train(quick_request(rows_path=str(empty)), lambda _: None)


def test_progress_is_told_step_by_step(quick_request):
    told = []

    qlora.train(quick_request(), told.append)

    steps = [event["step"] for event in told if event["event"] == "step"]
    assert list(range(1, 7)) == steps
