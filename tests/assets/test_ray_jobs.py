"""GPU work on Ray: two nodes at once, a killed node, a head that is not there, no orphans.

The cluster is two nodes of this machine on loopback, each with one GPU declared: Ray counts what
it is told.  `make slow` or `pytest -m slow tests/assets/test_ray_jobs.py`; needs the extra `ray`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psutil
import pytest

from assets import ray_jobs
from assets.compute import GpuCompute, needs_gpu
from lake.errors import BackendUnavailable, SettingsError

ADDRESS = "http://127.0.0.1:8299"
MODULE = """
import os, sys, time
from pathlib import Path
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    started = time.time()
    Path(pipes.extras["pid_file"]).write_text(str(os.getpid()))
    for step in range(1, pipes.extras["steps"] + 1):
        time.sleep(0.5)
        pipes.report_custom_message({"event": "step", "step": step, "steps": pipes.extras["steps"]})
        pipes.log.info(f"step {step}")
    device = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    seen = {"device": device, "started": started, "ended": time.time()}
    pipes.report_asset_materialization(metadata=seen)
"""


class Cluster:
    """A head and nodes, ended by their process ids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        shared = ["--num-gpus=1", "--num-cpus=2", "--block", "--disable-usage-stats"]
        memory = ["--object-store-memory=100000000"]
        command = [Path(sys.executable).with_name("ray"), "start", *shared, *memory, *arguments]
        log = (self.folder / f"node-{len(self.started)}.log").open("wb")
        node = subprocess.Popen(command, start_new_session=True, stdout=log, stderr=log)
        self.started.append(node)
        return node

    def head(self) -> None:
        ports = ["--port=6399", "--dashboard-port=8299", "--dashboard-host=127.0.0.1"]
        self.start("--head", "--node-ip-address=127.0.0.1", *ports)
        until(lambda: _answers(ADDRESS), seconds=120)

    def node(self, nodes: int) -> subprocess.Popen[bytes]:
        ports = ["--dashboard-agent-listen-port=52399", "--dashboard-agent-grpc-port=52398"]
        node = self.start("--address=127.0.0.1:6399", "--node-ip-address=127.0.0.1", *ports)
        until(lambda: _gpus() == nodes, seconds=120)
        return node


def _answers(address: str) -> bool:
    try:
        ray_jobs.client(address).list_jobs()
    except (BackendUnavailable, RuntimeError):
        return False
    return True


def _gpus() -> int:
    code = "import ray; ray.init('127.0.0.1:6399', log_to_driver=False); "
    code += "print(int(ray.cluster_resources().get('GPU', 0)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return int(done.stdout.split()[-1]) if done.returncode == 0 else -1


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its children."""
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        one.kill()
    process.wait()


def until(holds: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    made = Cluster(tmp_path_factory.mktemp("ray"))
    module = tmp_path_factory.mktemp("module")
    (module / "a_module_on_ray.py").write_text(MODULE)
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(module), before]))
    try:
        made.head()
        yield made
    finally:
        for process in made.started:
            if process.poll() is None:
                end(process)
        os.environ["PYTHONPATH"] = before


def run(folder: Path, name: str, *, steps: int = 4) -> dg.ExecuteInProcessResult:
    """Materialize an asset whose module takes half a second a step on Ray."""
    extras = {"steps": steps, "pid_file": str(folder / f"{name}.pid")}

    @dg.asset(name=name, **needs_gpu(1))
    def work(context: dg.AssetExecutionContext, gpu: GpuCompute) -> Any:
        yield from gpu.run(context, "a_module_on_ray", extras=extras).get_results()

    gpu = GpuCompute(backend="ray", ray_address=ADDRESS, messages_dir=str(folder))
    return dg.materialize([work], resources={"gpu": gpu}, raise_on_error=False)


def is_alive(pid_file: Path) -> bool:
    return pid_file.exists() and psutil.pid_exists(int(pid_file.read_text()))


@pytest.mark.slow
def test_two_nodes_work_at_once_and_a_killed_one_fails_its_step_alone(
    cluster: Cluster, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    node = cluster.node(2)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(run, tmp_path, name, steps=12) for name in ("one", "two")]
        spans = [_span(future.result()) for future in both]
    print({"two in parallel, seconds": [round(e - s, 1) for s, e, _ in spans]})

    assert max(start for start, _, _ in spans) < min(ended for _, ended, _ in spans)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(run, tmp_path, name, steps=60) for name in ("three", "four")]
        until(lambda: is_alive(tmp_path / "three.pid") and is_alive(tmp_path / "four.pid"),
              seconds=90)  # fmt: skip
        killed = time.monotonic()
        end(node)
        results = [future.result() for future in both]
    print({"node killed, seconds to the end of both": round(time.monotonic() - killed, 1)})

    assert [False, True] == sorted(result.success for result in results)
    assert run(tmp_path, "again").success
    until(lambda: not any(is_alive(f) for f in tmp_path.glob("*.pid")), seconds=30)


def _span(result: dg.ExecuteInProcessResult) -> tuple[float, float, str]:
    made = next(iter(result.get_asset_materialization_events()))
    told = made.materialization.metadata
    return told["started"].value, told["ended"].value, told["device"].value


@pytest.mark.slow
def test_a_killed_step_leaves_a_job_that_the_reaper_stops(cluster: Cluster, tmp_path: Path) -> None:
    code = (
        "import sys, dagster as dg\n"
        "from assets.compute import GpuCompute, needs_gpu\n"
        "@dg.asset(**needs_gpu(1))\n"
        "def work(context: dg.AssetExecutionContext, gpu: GpuCompute):\n"
        "    gpu.run(context, 'a_module_on_ray', extras={'steps': 600, 'pid_file': sys.argv[1]})\n"
        "dg.materialize([work], resources={'gpu': GpuCompute(backend='ray', "
        f"ray_address='{ADDRESS}', messages_dir=sys.argv[2])}})\n"
    )
    for number in range(3):
        pid_file = tmp_path / f"{number}.pid"
        step = subprocess.Popen([sys.executable, "-c", code, str(pid_file), str(tmp_path)])
        until(lambda f=pid_file: is_alive(f), seconds=90)
        step.send_signal(signal.SIGKILL)
        step.wait()

        assert is_alive(pid_file)
        assert 1 == len(ray_jobs.reap(ADDRESS, lambda _: True))
        until(lambda f=pid_file: not is_alive(f), seconds=30)
        assert [] == ray_jobs.reap(ADDRESS, lambda _: True)


def test_a_head_that_does_not_answer_is_named_at_once() -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")

    with pytest.raises(BackendUnavailable, match="No Ray head answers") as error:
        ray_jobs.client("http://127.0.0.1:9")

    assert "ray start --head" in error.value.hint


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://head:99999", "out of range"),
        ("http://head:abc", "abc"),
        ("http://[::1", "Invalid IPv6"),
        ("head:8265", "no `http://`"),
        ("ray://head:10001", "no `http://`"),
        ("http://:8265", "no host"),
        ("", "no `http://`"),
    ],
)
def test_an_address_that_is_none_is_told_with_a_right_one(address: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        ray_jobs.client(address)
    assert "`http://127.0.0.1:8265`" in error.value.hint


def test_an_address_is_a_host_and_a_port() -> None:
    assert ("head", 8299) == ray_jobs.place_of("https://head:8299")
    assert ("::1", 8265) == ray_jobs.place_of("http://[::1]")


class Jobs(SimpleNamespace):
    """A job server that remembers what it was told to stop."""

    def list_jobs(self) -> list[Any]:
        return self.listed

    def stop_job(self, job: str) -> None:
        self.stopped.append(job)


def job(name: str, status: str, run: str) -> Any:
    return SimpleNamespace(submission_id=name, status=status, metadata={ray_jobs.RUN: run})


def test_only_jobs_whose_run_is_over_are_reaped(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [
        job("a", "RUNNING", "over"),
        job("b", "RUNNING", "going on"),
        job("c", "SUCCEEDED", "over"),
        SimpleNamespace(submission_id="d", status="RUNNING", metadata=None),
    ]
    jobs = Jobs(listed=listed, stopped=[])
    monkeypatch.setattr(ray_jobs, "client", lambda _: jobs)

    assert ["over"] == ray_jobs.reap(ADDRESS, lambda run: run == "over", stop=False)
    assert [] == jobs.stopped
    assert ["over"] == ray_jobs.reap(ADDRESS, lambda run: run == "over")
    assert ["a"] == jobs.stopped
