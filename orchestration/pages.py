"""`steppe ui`: Dagster, MLflow and the served assistant on loopback, up together, down together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from assets.lineage import registry_of
from lake.errors import DeploymentError, SteppeError
from lake.settings import Settings
from models.serving import client
from orchestration import instance

LOOPBACK = "127.0.0.1"
START_SECONDS = 180
GRACE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Page:
    """One address: what it is, where it answers, and the process behind it."""

    name: str
    url: str
    probe: str
    process: subprocess.Popen[bytes]


def run(settings: Settings) -> None:
    """Bring everything up, print the addresses, and wait for SIGINT or SIGTERM."""
    _refuse_taken_ports(settings)
    with instance.opened(settings):
        pass  # its databases are made here: two programs that both begin would collide
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    with contextlib.ExitStack() as processes:
        click.echo("starting; it takes half a minute", err=True)
        try:
            pages = list(_start(settings, processes))
            for page in pages:
                _wait(page)
                click.echo(f"{page.name:10} {page.url}")
            click.echo("Ctrl-C stops them all", err=True)
            _watch(pages)
        except KeyboardInterrupt:
            click.echo("stopping", err=True)


def reload_definitions(settings: Settings) -> None:
    """Ask a running Dagster UI to read the definitions again; nothing to do if none runs."""
    import httpx

    mutation = """
        mutation ($name: String!) {
          reloadRepositoryLocation(repositoryLocationName: $name) { __typename }
        }
    """
    with contextlib.suppress(httpx.HTTPError):
        url = f"http://{LOOPBACK}:{settings.serving.dagster_port}/graphql"
        body = {"query": mutation, "variables": {"name": instance.CODE_LOCATION}}
        httpx.post(url, json=body, timeout=60)


def _start(settings: Settings, processes: contextlib.ExitStack) -> Iterator[Page]:
    ports = settings.serving
    dagster, mlflow = (
        f"http://{LOOPBACK}:{ports.dagster_port}",
        f"http://{LOOPBACK}:{ports.mlflow_port}",
    )
    location = ["-w", str(instance.prepare(settings) / "workspace.yaml")]
    webserver = [
        _program("dagster-webserver"),
        *location,
        "-h",
        LOOPBACK,
        "-p",
        str(ports.dagster_port),
    ]
    yield Page(
        "Dagster", dagster, "/server_info", _spawn("dagster", webserver, settings, processes)
    )
    daemon = [_program("dagster-daemon"), "run", *location]
    _spawn("daemon", daemon, settings, processes)
    registry = registry_of(settings)
    registry.ensure()  # made whole by us, not half by a server that is stopped meanwhile
    tracking = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        LOOPBACK,
        "--port",
        str(ports.mlflow_port),
        "--backend-store-uri",
        registry.tracking_uri,
        "--workers",
        "1",
    ]
    yield Page("MLflow", mlflow, "/health", _spawn("mlflow", tracking, settings, processes))
    server, process = client.start(settings, port=ports.port)
    processes.callback(client.stop, process)
    yield Page("assistant", server.url, "/health", process)


def _spawn(
    name: str, command: Sequence[str], settings: Settings, processes: contextlib.ExitStack
) -> subprocess.Popen[bytes]:
    """Start a process group that ends with the stack; its output goes to `logs/<name>.log`."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=instance.prepare(settings),  # Dagster puts the working directory on sys.path
        )
    processes.callback(_end_group, process)
    return process


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything it started: asked, told, killed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        for _ in range(10 * GRACE_SECONDS):
            os.killpg(process.pid, 0)  # raises once nobody of the group is left
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)


def _wait(page: Page) -> None:
    import httpx

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and page.process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(page.url + page.probe, timeout=5).status_code < 500:
                return
        time.sleep(0.3)
    raise DeploymentError(
        f"{page.name} did not come up at {page.url}.", hint="its log is in `logs/` under the home"
    )


def _watch(pages: Sequence[Page]) -> None:
    while True:
        for page in pages:
            if page.process.poll() is not None:
                raise DeploymentError(
                    f"{page.name} ended with {page.process.returncode}.",
                    hint="its log is in `logs/` under the home",
                )
        time.sleep(1)


def _refuse_taken_ports(settings: Settings) -> None:
    for setting in ("dagster_port", "mlflow_port", "port"):
        number = getattr(settings.serving, setting)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, number))
            except OSError:
                raise SteppeError(
                    f"Port {number} is taken.",
                    hint=f"set STEPPE_SERVING__{setting.upper()} to a free one",
                ) from None


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
