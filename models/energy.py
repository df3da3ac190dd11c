"""Energy, where the device tells: NVML's counter of a GPU, or RAPL's of the processors.

A counter counts everything on its device, so the figure is an upper bound where others work there
too.  Where nothing tells, the answer is None and never a guess.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

RAPL = Path("/sys/class/powercap")
MICRO, MILLI = 1e-6, 1e-3


class Meter:
    """Counts joules from its making on: `Meter().joules()`."""

    def __init__(self, *, on_gpu: bool, rapl: Path = RAPL) -> None:
        self._counters = _nvml() if on_gpu else _rapl(rapl)
        self._started = [read() for read, _ in self._counters]

    def joules(self) -> float | None:
        """Return the joules since the meter was made, or None where nothing tells."""
        if not self._counters:
            return None
        pairs = zip(self._counters, self._started, strict=True)
        return sum(_passed(start, read(), turn) for (read, turn), start in pairs)


def _passed(start: float, now: float, turns_over_at: float) -> float:
    """Return how far a counter went that starts again at zero once it is full."""
    return now - start if now >= start else now - start + turns_over_at


def _rapl(root: Path) -> list[tuple[Callable[[], float], float]]:
    """Return a reader of joules for each processor package that may be read, and where it turns."""
    found: list[tuple[Callable[[], float], float]] = []
    for package in sorted(root.glob("intel-rapl:[0-9]*")):
        counter, limit = package / "energy_uj", package / "max_energy_range_uj"
        if package.name.count(":") == 1 and os.access(counter, os.R_OK):  # not its parts
            found.append((partial(_micro, counter), _micro(limit)))
    return found


def _micro(file: Path) -> float:
    return int(file.read_text(encoding="ascii")) * MICRO


def _nvml() -> list[tuple[Callable[[], float], float]]:
    """Return a reader of joules for each visible GPU; none without NVML or its counter."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        devices = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in _visible(pynvml)]
        readers = [partial(_joules, pynvml, device) for device in devices]
        for read in readers:
            read()
    except pynvml.NVMLError:  # older than Volta, or no driver: it does not tell
        return []
    return [(read, 0.0) for read in readers]


def _joules(pynvml: Any, device: Any) -> float:
    return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(device)) * MILLI


def _visible(pynvml: Any) -> list[int]:
    """Return the indexes of the GPUs this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    listed = [int(n) for n in named.split(",") if n.strip().isdigit()]
    return listed or list(range(pynvml.nvmlDeviceGetCount()))
