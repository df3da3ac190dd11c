"""What a heavy child process owes its host: few threads, no telemetry, no life after its parent."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""`prctl(2)`: the signal this process gets when its parent dies."""

PARENT_VARIABLE = "CHILD_OF_PROCESS"

ENVIRONMENT = {
    # Spinning OpenMP threads cost 44 CPU-s where one thread costs 4.1 on two busy cores.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "TOKENIZERS_PARALLELISM": "false",
    # TRL and the hub client report usage unless told not to.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Progress is reported by us, in one place.
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PYTHONHASHSEED": "0",
    # A folder called `models` in the working directory must not shadow the package in children.
    "PYTHONSAFEPATH": "1",
    # cuBLAS is deterministic only with a fixed workspace (torch's notes on reproducibility).
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


def calm_environment() -> dict[str, str]:
    """Return this process's environment with `ENVIRONMENT` where nothing else is set."""
    return {**ENVIRONMENT, **os.environ}


def child_environment() -> dict[str, str]:
    """Return the environment for a child that must not outlive this process.

    It carries this process's id, so that a child whose parent is killed while it still starts
    up can tell: by the time it asks the kernel, its parent is already another.
    """
    return {**calm_environment(), PARENT_VARIABLE: str(os.getpid())}


def calm_down() -> None:
    """Apply `calm_environment` to this process; only before torch is imported does it count."""
    os.environ.update(calm_environment())
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # it misses hub kernels; we do not


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask Linux to send this process a signal when its parent is gone; elsewhere do nothing."""
    if sys.platform != "linux":
        return
    parent = int(os.environ.pop(PARENT_VARIABLE, os.getppid()))
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died in between
        os.kill(os.getpid(), number)
