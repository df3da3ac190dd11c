"""Jobs on a Ray cluster: submitted, followed, stopped, and found again when nobody waits for them.

Ray keeps a job running when the process that waits for it is killed, with its GPU.  Every job of
ours carries the id of its Dagster run, so `reap` can tell those whose run is over.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from lake.errors import BackendUnavailable, SettingsError
from models.processes import ENVIRONMENT

RUN = "dagster/run-id"
"""The key of a job's metadata under which its run stands, dagster-ray's too."""

SCHEMES = ("http", "https")
PORT = 8265
"""Of the job server where an address names none (docs.ray.io, Configuring Ray, ports)."""

CONNECT_SECONDS = 5.0
RUNNING = ("PENDING", "RUNNING")
REQUESTS = ("num_gpus", "num_cpus", "memory", "resources")
HINT = (
    "start the head (`ray start --head`), set `training.ray_address` to its job server, "
    'or set `training.backend = "local"`'
)


def client(address: str) -> Any:
    """Return Ray's job client; raise `BackendUnavailable` at once where no head answers.

    Raise `SettingsError` for what is no address.
    """
    reached = place_of(address)
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError as error:
        raise BackendUnavailable(
            "Ray is not installed.", hint="pip install 'steppe[ray]', here and on every node"
        ) from error
    try:
        socket.create_connection(reached, CONNECT_SECONDS).close()
        return JobSubmissionClient(address)
    except (OSError, RuntimeError) as error:  # ConnectionError is an OSError
        raise BackendUnavailable(f"No Ray head answers at {address}: {error}", hint=HINT) from error


def place_of(address: str) -> tuple[str, int]:
    """Return host and port of an address like `http://head:8265`; raise `SettingsError`."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:  # a port that is none, brackets that do not close
        problem = f"{error}"
    else:
        if parts.scheme in SCHEMES and host:
            return host, port or PORT
        problem = "it names no host" if parts.scheme in SCHEMES else "it begins with no `http://`"
    raise SettingsError(
        f"`training.ray_address` cannot be `{address}`: {problem}.",
        hint="write the job server's address, as `http://127.0.0.1:8265`",
    )


def submit(
    jobs: Any,
    arguments: Sequence[str],
    need: Mapping[str, Any],
    *,
    run_id: str,
    variables: Mapping[str, str],
) -> str:
    """Start `python arguments` on a node that has what it needs; return the job's id.

    The nodes must have this Python and these packages at the same place, and see the same files.
    """
    shared = {"PYTHONPATH": os.environ["PYTHONPATH"]} if os.environ.get("PYTHONPATH") else {}
    asked = {f"entrypoint_{name}": value for name, value in need.items() if name in REQUESTS}
    return str(
        jobs.submit_job(
            entrypoint=f"exec {shlex.join([sys.executable, *arguments])}",
            runtime_env={"env_vars": {**ENVIRONMENT, **shared, **variables}},
            metadata={RUN: run_id},
            **asked,
        )
    )


def last_words(jobs: Any, job: str) -> str:
    """Return what a job has said; a node that is gone took its log with it."""
    try:
        return str(jobs.get_job_logs(job))
    except RuntimeError:  # the job server's own word for any failed request
        return "its node cannot be reached, nor its log"


def orphans(jobs: Any, is_over: Callable[[str], bool]) -> Sequence[Any]:
    """Return the jobs that still run although the run that they are for is over."""
    ours = ((job, (job.metadata or {}).get(RUN, "")) for job in jobs.list_jobs())
    return [job for job, run in ours if run and str(job.status) in RUNNING and is_over(run)]


def reap(address: str, is_over: Callable[[str], bool], *, stop: bool = True) -> list[str]:
    """Stop the orphans; return the run of each.  `stop=False` only looks."""
    jobs = client(address)
    found = orphans(jobs, is_over)
    for job in found:
        if stop:
            jobs.stop_job(job.submission_id)
    return [str(job.metadata[RUN]) for job in found]
