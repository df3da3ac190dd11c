"""Leases of devices, and a module's process that ends with its run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from assets.compute import GpuCompute, lease, needs_gpu


def test_a_device_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with (
        lease(tmp_path, ["0", "1"], 1, 1.0) as first,
        lease(tmp_path, ["0", "1"], 1, 1.0) as second,
    ):
        assert {"0", "1"} == {*first, *second}
        with (
            pytest.raises(dg.Failure, match="No 1 of the devices"),
            lease(tmp_path, ["0", "1"], 1, 0.0),
        ):
            pass


def test_devices_are_taken_all_or_none(tmp_path: Path) -> None:
    with lease(tmp_path, ["0", "1"], 1, 1.0):
        with pytest.raises(dg.Failure), lease(tmp_path, ["0", "1"], 2, 0.0):
            pass
        with lease(tmp_path, ["0", "1"], 1, 1.0):
            pass


def test_a_killed_holder_gives_its_device_back(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from assets.compute import lease\n"
        "with lease(Path(sys.argv[1]), ['0'], 1, 1.0):\n print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert "held" == holder.stdout.readline().strip()
    holder.kill()
    holder.wait()
    holder.stdout.close()

    with lease(tmp_path, ["0"], 1, 5.0) as devices:
        assert ["0"] == devices


def test_a_need_is_declared_once_for_every_executor() -> None:
    declared = needs_gpu(2, memory_gib=1)

    assert "gpu" == declared["pool"]
    assert {"num_gpus": 2, "num_cpus": 1, "memory": 2**30} == declared["op_tags"][
        "dagster-ray/config"
    ]


MODULE = """
import sys, time
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    print("noise", flush=True)
    if pipes.extras.get("fail"):
        sys.exit("it went wrong")
    if pid_file := pipes.extras.get("pid_file"):
        import os
        from models.processes import die_with_parent
        die_with_parent()
        with open(pid_file, "w") as file:
            file.write(str(os.getpid()))
        time.sleep(60)
    pipes.report_custom_message({"event": "done", "seen": pipes.extras["word"]})
    pipes.report_asset_materialization(metadata={"seen": pipes.extras["word"]})
"""


def asset_over(module: str, extras: dict[str, object]) -> dg.AssetsDefinition:
    @dg.asset(**needs_gpu(1))
    def work(context: dg.AssetExecutionContext, gpu: GpuCompute):
        session = gpu.run(context, module, extras=extras)
        yield from session.get_results()

    return work


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_module_of_the_test.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "a_module_of_the_test"


def test_a_module_reports_through_pipes(module: str, tmp_path: Path) -> None:
    gpu = GpuCompute(lock_dir=str(tmp_path / "locks"))
    result = dg.materialize([asset_over(module, {"word": "степь"})], resources={"gpu": gpu})

    metadata = result.asset_materializations_for_node("work")[0].metadata
    assert "степь" == metadata["seen"].value


def test_a_module_that_fails_shows_its_last_words(module: str, tmp_path: Path) -> None:
    gpu = GpuCompute(lock_dir=str(tmp_path / "locks"))
    result = dg.materialize(
        [asset_over(module, {"fail": True})], resources={"gpu": gpu}, raise_on_error=False
    )

    failure = next(e for e in result.all_events if e.is_step_failure)
    assert "it went wrong" in str(failure.event_specific_data.error)


def test_a_terminated_run_takes_its_module_with_it(module: str, tmp_path: Path) -> None:
    code = (
        "import sys, dagster as dg\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from assets.compute import GpuCompute, needs_gpu\n"
        "@dg.asset(**needs_gpu(1))\n"
        "def work(context: dg.AssetExecutionContext, gpu: GpuCompute):\n"
        "    gpu.run(context, 'a_module_of_the_test', extras={'pid_file': sys.argv[2]})\n"
        "dg.materialize([work], resources={'gpu': GpuCompute(lock_dir=sys.argv[3])})\n"
    )
    pid_file = tmp_path / "pid"
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(pid_file), str(tmp_path / "locks")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    child = int(pid_file.read_text())
    run.send_signal(signal.SIGINT)
    run.wait(30)

    assert not _is_alive(child)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


@pytest.mark.slow
def test_thirty_killed_steps_leave_no_module_and_no_lease(module: str, tmp_path: Path) -> None:
    """SIGKILL of the step itself: its module dies with it, and the kernel frees the device."""
    code = (
        "import sys, dagster as dg\n"
        "from assets.compute import GpuCompute, needs_gpu\n"
        "@dg.asset(**needs_gpu(1))\n"
        "def work(context: dg.AssetExecutionContext, gpu: GpuCompute):\n"
        "    gpu.run(context, 'a_module_of_the_test', extras={'pid_file': sys.argv[1]})\n"
        "dg.materialize([work], resources={'gpu': GpuCompute(lock_dir=sys.argv[2])})\n"
    )
    locks, path = tmp_path / "locks", os.environ["PYTHONPATH"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([path, str(Path.cwd())])}
    for number in range(30):
        pid_file = tmp_path / f"{number}.pid"
        step = subprocess.Popen(
            [sys.executable, "-c", code, str(pid_file), str(locks)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        step.kill()
        step.wait()
        with lease(locks, ["0"], 1, 5.0):
            pass

    time.sleep(1)
    alive = [f.name for f in tmp_path.glob("*.pid") if _is_alive(int(f.read_text()))]
    assert ([], 30) == (alive, len(list(tmp_path.glob("*.pid"))))


def test_more_devices_than_are_listed_are_refused_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(dg.Failure, match="2 devices are wanted and 1 listed"),
        lease(tmp_path, ["0"], 2, 3600.0),
    ):
        pass


SEVERAL = """
import json, os, time
from pathlib import Path
from dagster_pipes import PipesDefaultContextLoader, PipesEnvVarParamsLoader, open_dagster_pipes
from models.processes import die_with_parent
from models.training import ranks
die_with_parent()
with PipesDefaultContextLoader().load_context(
    PipesEnvVarParamsLoader().load_context_params()
) as context:
    extras = context["extras"]
seen = [os.getpid(), ranks.processes(), os.environ["CUDA_VISIBLE_DEVICES"]]
draft = Path(extras["folder"], f"draft-{ranks.rank()}")
draft.write_text(json.dumps(seen))
draft.rename(draft.with_name(f"rank-{ranks.rank()}"))
time.sleep(extras["seconds"])
if ranks.is_main():
    with open_dagster_pipes() as pipes:
        pipes.report_asset_materialization(metadata={"processes": ranks.processes()})
"""


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "several_of_the_test.py").write_text(SEVERAL)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), root]))
    return "several_of_the_test"


@pytest.mark.slow
def test_two_processes_lease_two_devices_and_report_once(several: str, tmp_path: Path) -> None:
    gpu = GpuCompute(lock_dir=str(tmp_path / "locks"), devices="0,1,2", processes=2)
    extras = {"folder": str(tmp_path), "seconds": 0}
    result = dg.materialize([asset_over(several, extras)], resources={"gpu": gpu})
    seen = [json.loads(path.read_text())[1:] for path in sorted(tmp_path.glob("rank-*"))]

    assert [[2, "0,1"], [2, "0,1"]] == seen
    (made,) = result.asset_materializations_for_node("work")
    assert 2 == made.metadata["processes"].value


@pytest.mark.slow
def test_a_killed_step_takes_its_processes_with_it(several: str, tmp_path: Path) -> None:
    code = (
        "import sys, dagster as dg\n"
        "from assets.compute import GpuCompute, needs_gpu\n"
        "@dg.asset(**needs_gpu(1))\n"
        "def work(context: dg.AssetExecutionContext, gpu: GpuCompute):\n"
        f"    gpu.run(context, '{several}', extras={{'folder': sys.argv[1], 'seconds': 60}})\n"
        "gpu = GpuCompute(lock_dir=sys.argv[1], devices='0,1', processes=2)\n"
        "dg.materialize([work], resources={'gpu': gpu})\n"
    )
    step = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while len(list(tmp_path.glob("rank-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    children = [json.loads(path.read_text())[0] for path in tmp_path.glob("rank-*")]
    step.kill()
    step.wait()
    time.sleep(1)

    assert (2, []) == (len(children), [pid for pid in children if _is_alive(pid)])
    with lease(tmp_path, ["0", "1"], 2, 5.0):
        pass
