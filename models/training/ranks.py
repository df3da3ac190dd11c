"""One training in several processes: which of them this is, who speaks for all, what they share.

A launcher starts them with torchrun's variables (`models.launching`).  Without these there is one
process and everything here is nothing: no group is joined, and no byte comes out different.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")


def processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if _is_launched() else 1


def rank() -> int:
    """Return this process's number among all; 0 reports, publishes and cleans up for the others."""
    return int(os.environ.get("RANK", "0")) if _is_launched() else 0


def local_rank() -> int:
    """Return this process's number on its machine, which is its device's too."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_main() -> bool:
    """Return whether this process speaks for all."""
    return rank() == 0


def shards_base() -> bool:
    """Return whether the base is sharded among the processes by FSDP, as the launch file says."""
    return _is_launched() and os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def from_main(make: Callable[[], Made]) -> Made:
    """Return what the main process makes; the others wait for it and get a copy.

    Where it fails there, the launcher ends those that wait.
    """
    if processes() == 1:
        return make()
    from torch import distributed

    held: list[Any] = [make() if is_main() else None]
    distributed.broadcast_object_list(held, src=0)
    return held[0]


def gathered(value: float) -> list[float]:
    """Return a figure of every process, in the order of their numbers."""
    if processes() == 1:
        return [value]
    from torch import distributed

    found: list[Any] = [None] * processes()
    distributed.all_gather_object(found, value)
    return found


def wait_for_all() -> None:
    """Return once every process has come here."""
    if processes() > 1:
        from torch import distributed

        distributed.barrier()


def part() -> None:
    """Leave the group once all is done; the communicators are given back in order."""
    if _is_launched():
        from torch import distributed

        if distributed.is_initialized():
            distributed.destroy_process_group()


def _is_launched() -> bool:
    """Return whether a launcher started this; a cluster may set `WORLD_SIZE` alone for others."""
    return "LOCAL_RANK" in os.environ
