"""GPU executors: an asset declares what it needs, `GpuCompute` runs its module where that is.

The work is a process of its own behind Dagster Pipes, so the trainer knows nothing of Dagster's
executors and dies with its run.  Devices are leased by file locks, which the kernel gives back
even after `kill -9`; the pool `gpu` only counts.
"""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import dagster as dg

from assets import ray_jobs, reporting
from models import launching
from models.processes import child_environment, die_with_parent

POOL = "gpu"
POLL_SECONDS = 0.3
TAIL = 2000  # characters of a failed module's last words
RAY_TAG = "dagster-ray/config"
SHARED_OUT = ("num_gpus", "num_cpus", "memory")
"""Of a declared need, what every process of a training wants for itself."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def needs_gpu(
    gpus: float = 1, *, cpus: float = 1, memory_gib: float | None = None
) -> dict[str, Any]:
    """Return the arguments of `@dg.asset` that declare a need: `@dg.asset(**needs_gpu(1))`.

    From this one place: the pool that limits how many run, the tag people filter by, and the
    requests that Ray and Kubernetes executors read.
    """
    memory = {"memory": int(memory_gib * 2**30)} if memory_gib else {}
    limits = {"nvidia.com/gpu": str(max(1, int(gpus)))}
    return {
        "pool": POOL,
        "tags": {"steppe/gpu": str(gpus).replace(".", "_")},
        "op_tags": {
            RAY_TAG: {"num_gpus": gpus, "num_cpus": cpus, **memory},
            "dagster-k8s/config": {"container_config": {"resources": {"limits": limits}}},
        },
    }


class GpuCompute(dg.ConfigurableResource):
    """Runs `python -m module` on this machine or on Ray, with Dagster Pipes back."""

    backend: Literal["local", "ray"] = "local"
    devices: str = "0"
    ray_address: str = "http://127.0.0.1:8265"
    lock_dir: str = ".gpu-locks"
    messages_dir: str = ""
    wait_seconds: float = 3600.0
    grace_seconds: float = 10.0
    processes: int = 1
    launch: str = ""

    def run(
        self, context: dg.AssetExecutionContext, module: str, *, extras: Mapping[str, Any]
    ) -> Any:
        """Run a module to its end and return the Pipes session's results; raise `dg.Failure`.

        With `processes` above 1 it is started so often at once, each with what one asked for.
        """
        if multiprocessing.parent_process():  # a step whose run is gone must not keep a device
            die_with_parent()
        declared: Any = context.op_execution_context.op.tags.get(RAY_TAG) or {}
        need = json.loads(declared) if isinstance(declared, str) else dict(declared)
        need |= {key: need[key] * self.processes for key in SHARED_OUT if key in need}
        run = self._on_ray if self.backend == "ray" else self._here
        return run(context, module, dict(extras), need)

    def _arguments(self, module: str) -> list[str]:
        return launching.arguments(module, processes=self.processes, launch=self.launch)

    def _here(
        self, context: dg.AssetExecutionContext, module: str, extras: Any, need: dict[str, Any]
    ) -> Any:
        count = -int(-need.get("num_gpus", 0) // 1)
        listed = self.devices.split(",")
        with (
            lease(Path(self.lock_dir), listed, count, self.wait_seconds) as devices,
            dg.open_pipes_session(
                context=context,
                extras=extras,
                context_injector=dg.PipesTempFileContextInjector(),
                message_reader=dg.PipesTempFileMessageReader(include_stdio_in_messages=False),
            ) as session,
        ):
            context.log.info(f"{module} on device {','.join(devices)}, on this machine")
            visible = {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
            environment = {**child_environment(), **visible, **session.get_bootstrap_env_vars()}
            self._wait(module, environment, session.get_custom_messages)
        return session

    def _wait(
        self, module: str, environment: dict[str, str], messages: Callable[[], Sequence[Any]]
    ) -> None:
        """Run the process to its end, passing on how far it says it has come."""
        tell = _Steps(messages)
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [sys.executable, *self._arguments(module)],
                env=environment,
                start_new_session=True,
                stdout=said,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            try:
                while process.poll() is None:
                    tell()
                    time.sleep(POLL_SECONDS)
            except BaseException:
                self._end(process)
                raise
            if process.returncode:
                said.seek(0)
                tail = said.read().decode(errors="replace")[-TAIL:]
                raise dg.Failure(
                    f"{module} ended with {process.returncode}:\n{tail}",
                    metadata={"exit_code": process.returncode},
                )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the whole process group: asked, told, killed."""
        for number in STOP_SIGNALS:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.grace_seconds)
                return

    def _on_ray(
        self, context: dg.AssetExecutionContext, module: str, extras: Any, need: dict[str, Any]
    ) -> Any:
        """Run the module as a Ray job; messages come through a file that all nodes see.

        A file rather than the job's log stream: a log that cannot be followed would end in an
        empty materialization, and the stream begins seconds after the job.
        """
        jobs = ray_jobs.client(self.ray_address)
        name = f"{context.run_id}-{context.op_handle.name}-{context.retry_number}.jsonl"
        path = Path(self.messages_dir or self.lock_dir).absolute() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with dg.open_pipes_session(
            context=context,
            extras=extras,
            context_injector=dg.PipesEnvContextInjector(),
            message_reader=dg.PipesFileMessageReader(str(path)),
        ) as session:
            variables = session.get_bootstrap_env_vars()
            job = ray_jobs.submit(
                jobs, self._arguments(module), need, run_id=context.run_id, variables=variables
            )
            context.log.info(f"{module} is Ray job {job} at {self.ray_address}")
            self._follow(jobs, job, module, session.get_custom_messages)
        path.unlink(missing_ok=True)
        return session

    def _follow(
        self, jobs: Any, job: str, module: str, messages: Callable[[], Sequence[Any]]
    ) -> None:
        """Wait for a Ray job, passing on its steps; stop it where we are stopped."""
        tell = _Steps(messages)
        try:
            while not (status := jobs.get_job_status(job)).is_terminal():
                tell()
                time.sleep(POLL_SECONDS)
        except BaseException:
            with contextlib.suppress(Exception):  # the head may be what is gone
                jobs.stop_job(job)
            raise
        tell()
        if str(status) != "SUCCEEDED":
            about = jobs.get_job_info(job).message or ""
            tail = ray_jobs.last_words(jobs, job)[-TAIL:]
            raise dg.Failure(
                f"{module}, Ray job {job}, ended as {status}: {about}\n{tail}",
                metadata={"ray_job": job, "status": str(status)},
            )


class _Steps:
    """Passes on the newest step a module tells of, once."""

    def __init__(self, messages: Callable[[], Sequence[Any]]) -> None:
        self._messages = messages
        self._report = reporting.progress("adapters")
        self._told = 0

    def __call__(self) -> None:
        said = list(self._messages())
        steps = [m for m in said[self._told :] if m.get("event") == "step"]
        self._told = len(said)
        if steps:
            self._report(steps[-1]["step"], steps[-1]["steps"])


@contextlib.contextmanager
def lease(
    lock_dir: Path, devices: list[str], count: int, wait_seconds: float
) -> Iterator[list[str]]:
    """Hold so many devices, all or none, until the block or the process ends."""
    import fcntl

    lock_dir.mkdir(parents=True, exist_ok=True)
    held: dict[str, int] = {}
    deadline = time.monotonic() + wait_seconds
    try:
        if count > len(devices):
            raise dg.Failure(
                f"{count} devices are wanted and {len(devices)} listed: {', '.join(devices)}. "
                "List more in `training.devices`, or lower `training.processes`."
            )
        while len(held) < count:
            for device in devices:
                if device in held or len(held) == count:
                    continue
                handle = os.open(lock_dir / f"gpu-{device}.lock", os.O_CREAT | os.O_RDWR)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    held[device] = handle
                except BlockingIOError:
                    os.close(handle)
            if len(held) < count:
                _release(held)
                if time.monotonic() > deadline:
                    raise dg.Failure(
                        f"No {count} of the devices {devices} in {wait_seconds:.0f} s."
                    )
                time.sleep(0.5)
        yield sorted(held)
    finally:
        _release(held)


def _release(held: dict[str, int]) -> None:
    for handle in held.values():
        os.close(handle)
    held.clear()
