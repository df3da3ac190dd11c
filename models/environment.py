"""What a training's bytes depend on besides what was asked: versions, processor, threads, flags.

The lock is kept in the adapter's manifest.  On one CPU the same lock gives the same bytes; a GPU's
sums depend on the order of its threads, so there the same lock gives the same losses within
`assets.rebuilding`'s tolerance.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("torch", "transformers", "tokenizers", "peft", "trl", "bitsandbytes", "accelerate"),
    *("datasets", "safetensors", "numpy"),
)
FLAGS = ("PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG", "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY")
"""Variables of the environment that choose kernels, orders or threads."""

CPU_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "asimd")
"""Of all that a processor can do, what torch and bitsandbytes choose their kernels by."""


def libraries() -> dict[str, str]:
    """Return the version of every library that a training runs through."""
    return {name: _version(name) for name in LIBRARIES}


def lock(*, micro_batch: int, processes: int = 1) -> dict[str, Any]:
    """Return what this process trains with, as plain JSON values."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name(0) if gpu else "cpu",
        "cuda": str(torch.version.cuda or ""),
        "cpu_features": cpu_features(),
        "threads": torch.get_num_threads(),
        "flags": {name: os.environ.get(name, "") for name in FLAGS},
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "micro_batch": micro_batch,
        "processes": processes,
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a line for every entry of two locks that is not the same: `torch: 2.13.0, now 2.14.0`.

    What only one of them names is no difference: it was not recorded then.
    """
    lines: list[str] = []
    for key in sorted(before.keys() & now.keys()):
        old, new = before[key], now[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            lines += differences(old, new)
        elif old != new:
            lines.append(f"{key}: {_said(old)}, now {_said(new)}")
    return lines


def cpu_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Return which of `CPU_FEATURES` this processor has; none where Linux does not tell."""
    if not cpuinfo.is_file():
        return []
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, words = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return [feature for feature in CPU_FEATURES if feature in words.split()]
    return []


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value) or "unset"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
