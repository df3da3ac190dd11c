"""Several processes train one adapter: their launch files, who speaks, and what comes out."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lake.errors import SettingsError, TrainingFailed
from models import adapters, launching, recipes
from models.processes import calm_environment
from models.training import ranks

ROOT = Path(__file__).parents[2]
SAME_LOSS = 1e-5
"""Nats: two halves of a batch are added in another order than the whole; 5e-7 was seen."""


@pytest.fixture
def launched(monkeypatch):
    """Return a maker of what a launcher tells each process."""

    def tell(**variables):
        for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1", **variables}.items():
            monkeypatch.setenv(name, value)

    return tell


def launch(request, folder, *, module="models.train", launch="ddp"):
    """Run a request in two processes; return how it ended."""
    path = folder / "request.json"
    path.write_text(json.dumps(asdict(request)))
    return subprocess.run(
        [sys.executable, *launching.arguments(module, processes=2, launch=launch), str(path)],
        env={**calm_environment(), "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


# --- launch files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", launching.names())
def test_accelerate_reads_every_shipped_file_to_the_last_key(name):
    """Its parser refuses an unknown key at the top and takes any in a section: both are held."""
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    path = str(launching.file_of(name))
    config = load_config_from_file(path)
    parser = launch_command_parser()
    known = vars(parser.parse_args(["-m", "models.train"]))
    given, defaults, _ = _validate_launch_command(
        parser.parse_args(["--config_file", path, "--num_processes", "4", "-m", "models.train"])
    )

    assert set(config.fsdp_config) <= set(known)
    assert defaults.distributed_type == config.distributed_type
    assert (4, True) == (given.num_processes, given.multi_gpu or given.use_fsdp)


def test_fsdp_is_what_qlora_needs(monkeypatch):
    """What bitsandbytes and PEFT ask for, after accelerate has read it and read it again."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils import FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_multi_gpu_env

    path = str(launching.file_of("fsdp_qlora"))
    asked = launch_command_parser().parse_args(["--config_file", path, "-m", "models.train"])
    told = prepare_multi_gpu_env(_validate_launch_command(asked)[0])
    only_on_gpus = {"FSDP_SYNC_MODULE_STATES": "false", "FSDP_CPU_RAM_EFFICIENT_LOADING": "false"}
    for name, value in {**told, **only_on_gpus}.items():
        if name.startswith("FSDP_"):
            monkeypatch.setenv(name, value)
    plugin = FullyShardedDataParallelPlugin()

    assert {"true"} == {told[name] for name in only_on_gpus}
    assert 1 == plugin.fsdp_version
    assert "FULL_SHARD" == plugin.sharding_strategy.name
    assert "transformer_auto_wrap_policy" == plugin.auto_wrap_policy.__name__
    assert "FULL_STATE_DICT" == plugin.state_dict_type.name
    assert (False, False) == (plugin.use_orig_params, plugin.cpu_offload.offload_params)


def test_one_process_is_started_without_a_launcher(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("")
    several = launching.arguments("models.train", processes=2, launch="")

    assert ["-m", "models.train"] == launching.arguments("models.train", processes=1, launch="")
    assert ["-m", "models.launching", "--config_file"] == several[:3]
    assert [str(launching.FILES / "ddp.yaml"), "--num_processes", "2"] == several[3:6]
    assert str(own) in launching.arguments("models.train", processes=1, launch=str(own))


def test_an_unknown_file_is_answered_by_the_nearest():
    with pytest.raises(SettingsError, match="no launch file `fsdp_qlra`") as error:
        launching.file_of("fsdp_qlra")

    assert "fsdp_qlora" in error.value.hint


# --- shares -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "accumulation", "processes", "micro_batch", "expected"),
    [
        (4, 1, 1, 0, (4, 1)),
        (4, 1, 2, 0, (2, 1)),
        (1, 16, 2, 0, (1, 8)),
        (1, 128, 8, 0, (1, 16)),
        (6, 2, 4, 0, (3, 1)),
        (4, 4, 2, 1, (1, 8)),
    ],
)
def test_the_effective_batch_stays_what_the_recipe_says(
    quick_request, batch, accumulation, processes, micro_batch, expected
):
    shares = {"training": {"batch": batch, "accumulation": accumulation}}
    request = quick_request(recipe=shares, processes=processes, micro_batch=micro_batch)
    micro, steps = request.batches(recipes.parse(request.recipe))

    assert expected == (micro, steps)
    assert batch * accumulation == micro * steps * processes


@pytest.mark.parametrize(("processes", "micro_batch"), [(3, 0), (8, 0), (2, 3)])
def test_a_batch_that_cannot_be_shared_is_refused_with_a_hint(
    quick_request, processes, micro_batch
):
    request = quick_request(processes=processes, micro_batch=micro_batch)

    with pytest.raises(TrainingFailed, match=f"{processes} processes cannot share") as error:
        request.batches(recipes.parse(request.recipe))
    assert "training.processes" in error.value.hint


def test_kto_keeps_two_rows_together(quick_request):
    kto = {"training": {"batch": 4}, "method": "kto"}
    request = quick_request(recipe=kto, processes=2)

    assert (2, 1) == request.batches(recipes.parse(request.recipe))
    with pytest.raises(TrainingFailed, match="cannot share"):
        replace(request, processes=4).batches(recipes.parse(request.recipe))


def test_other_processes_do_not_resume_each_other(quick_request, tmp_path):
    alone, both = quick_request(tmp_path), quick_request(tmp_path, processes=2)

    assert alone.request_id != both.request_id


def test_world_size_alone_makes_no_group(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("RANK", "3")

    assert (1, 0, True) == (ranks.processes(), ranks.rank(), ranks.is_main())


# --- shards -------------------------------------------------------------------------------------


def test_what_fsdp_shards_is_of_one_float_type_and_computes_the_same(quick_request, launched):
    """FSDP flattens weights of one type: four-bit ones are stored as what the rest is."""
    import torch

    from models.training.tuners import adapted_base

    request = quick_request(recipe={"quantization": {"compute_dtype": "bfloat16"}})
    recipe, cpu = recipes.parse(request.recipe), torch.device("cpu")
    tokens = torch.arange(20).reshape(1, 20) + 100
    whole = adapted_base(request, recipe, cpu).to(torch.bfloat16)(input_ids=tokens).logits
    launched(ACCELERATE_USE_FSDP="true")
    sharded = adapted_base(request, recipe, cpu)
    types = {(p.requires_grad, str(p.dtype)) for p in sharded.parameters()}

    assert {(False, "torch.bfloat16"), (True, "torch.float32")} == types
    assert torch.equal(whole, sharded.to(torch.bfloat16)(input_ids=tokens).logits)


def test_shards_without_gpus_are_refused(quick_request, launched):
    import torch

    from models.qlora import train

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    launched(ACCELERATE_USE_FSDP="true")

    with pytest.raises(TrainingFailed, match="over GPUs") as error:
        train(quick_request(), lambda _: None)
    assert "ddp" in error.value.hint


STEPS_OF_SHARDS = """
import json, os, sys
from pathlib import Path
import torch
from peft.utils.other import fsdp_auto_wrap_policy
from torch.distributed.fsdp import FullStateDictConfig, FullyShardedDataParallel, StateDictType
from models import recipes
from models.training import publishing, tuners
from models.training.request import TrainRequest
request = TrainRequest(**json.loads(Path(sys.argv[1]).read_text()))
recipe = recipes.parse(request.recipe)
torch.distributed.init_process_group("gloo")
rank, losses = torch.distributed.get_rank(), []
for sharded in (False, True):
    os.environ["ACCELERATE_USE_FSDP"] = str(sharded).lower()
    inner = tuners.adapted_base(request, recipe, torch.device("cpu"))
    if sharded:
        model = FullyShardedDataParallel(inner, auto_wrap_policy=fsdp_auto_wrap_policy(inner),
                                         use_orig_params=False, device_id=torch.device("cpu"))
    else:
        model = torch.nn.parallel.DistributedDataParallel(inner)
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learned, lr=0.5)
    tokens = (torch.arange(40).reshape(2, 20) + 100)[rank : rank + 1]
    for _ in range(3):
        loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    if not sharded and rank == 0:
        publishing._save(inner, recipe, Path("whole"), start=Path("none"))
whole = FullStateDictConfig(offload_to_cpu=False)
with FullyShardedDataParallel.state_dict_type(model, StateDictType.FULL_STATE_DICT, whole):
    weights = model.state_dict()
if rank == 0:
    publishing._save(inner, recipe, Path("shards"), start=Path("none"), weights=weights)
    held = sum(p.numel() for p in model.parameters())
    everything = sum(w.numel() for w in weights.values())
    print(json.dumps({"losses": losses, "held": held, "all": everything}))
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_four_bits_in_shards_learn_what_they_learn_in_whole(quick_request, tmp_path):
    """FSDP itself over gloo; accelerate puts it in place on GPUs alone."""
    from safetensors.torch import load_file

    (tmp_path / "shards_of.py").write_text(STEPS_OF_SHARDS)
    ended = launch(quick_request(tmp_path / "adapters"), tmp_path, module="shards_of")
    assert 0 == ended.returncode, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    whole, shards = (load_file(tmp_path / name / adapters.WEIGHTS) for name in ("whole", "shards"))

    assert told["losses"][:3] == pytest.approx(told["losses"][3:], abs=SAME_LOSS)
    assert told["losses"][3] > told["losses"][5]
    assert told["held"] < 0.6 * told["all"]
    assert whole.keys() == shards.keys()
    assert all(whole[name].allclose(shards[name], atol=SAME_LOSS) for name in whole)


# --- two processes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def together(quick_request, tmp_path_factory):
    """One quick training in two processes: how it ended, its folder, its report."""
    folder = tmp_path_factory.mktemp("together")
    ended = launch(quick_request(folder / "adapters"), folder)
    assert 0 == ended.returncode, ended.stderr
    return ended, folder / "adapters", json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(together, trained):
    """The same rows a step and the same loss: only the order of two sums differs."""
    _, _, report = together
    steps, losses = zip(*report["losses"], strict=True)
    expected_steps, expected = zip(*trained.losses, strict=True)

    assert expected_steps == steps
    assert expected == pytest.approx(losses, abs=SAME_LOSS)
    assert (trained.tokens, trained.recipe_id) == (report["tokens"], report["recipe_id"])


@pytest.mark.slow
def test_two_processes_publish_once_and_speak_with_one_voice(together):
    ended, folder, report = together
    manifest = adapters.verify(folder / report["adapter_id"])

    assert [report["adapter_id"]] == [path.name for path in folder.iterdir()]
    assert report["sha256"] == manifest.files[adapters.WEIGHTS]
    assert (2, 2) == (manifest.environment["micro_batch"], manifest.environment["processes"])
    assert 1 == len(ended.stdout.splitlines())
    assert 1 == ended.stderr.count("estimate:")


DIES_AT_STEP_FIVE = """
import json, os, signal, sys
from pathlib import Path
from models import train
from models.training import ranks
def report(event):
    if event.get("step") == 5 and ranks.rank() == {rank}:
        os.kill(os.getpid(), signal.SIGKILL)
train._train(json.loads(Path(sys.argv[1]).read_text()), report)
"""


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_one_killed_ends_both_and_they_resume_to_the_same_bytes(
    together, quick_request, tmp_path, rank
):
    (tmp_path / "dies.py").write_text(DIES_AT_STEP_FIVE.format(rank=rank))
    request = quick_request(tmp_path / "adapters")
    killed = launch(request, tmp_path, module="dies")
    left = sorted(path.name for path in (tmp_path / "adapters").glob(".training-*/checkpoint-*"))

    resumed = launch(request, tmp_path)

    assert 1 == killed.returncode
    assert f"process {rank} of the training ended with -9" in killed.stderr
    assert "checkpoint-4" in left
    assert together[2]["sha256"] == json.loads(resumed.stdout.splitlines()[-1])["sha256"]


@pytest.mark.slow
def test_what_went_wrong_is_said_last_with_its_hint(quick_request, tmp_path):
    empty = tmp_path / "rows.jsonl"
    empty.write_text("")
    ended = launch(quick_request(tmp_path / "adapters", rows_path=str(empty)), tmp_path)

    assert (1, "") == (ended.returncode, ended.stdout)
    assert "error: None of 0 rows can be trained on" in ended.stderr
    assert "hint: raise `max_length`" in ended.stderr
    assert "Traceback" not in ended.stderr
