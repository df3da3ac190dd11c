"""What a training has taken so far, kept in its checkpoints: a resumed one tells of all of it.

Seconds, tokens and joules tell of the same work.  A killed process counts as far as the checkpoint
that the next one goes on from; an attempt that memory was too short for counts in full.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from models.energy import Meter
from models.training import ranks

RECORD = "steppe-spent.json"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, CPU seconds of all processes, joules (None where nothing tells).

    `tokens` are those of attempts that were given up; of the one that goes on, its steps tell.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    joules: float | None = 0.0
    tokens: int = 0

    def __add__(self, other: Spent) -> Spent:
        told = self.joules is not None and other.joules is not None
        return Spent(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            (self.joules or 0.0) + (other.joules or 0.0) if told else None,
            self.tokens + other.tokens,
        )


class Account:
    """Counts from its making on, and adds what checkpoints say of the processes before."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._started, self._cpu_started = time.monotonic(), time.process_time()
        self._before = Spent()

    def now(self) -> Spent:
        """Return what was spent so far; of several processes that train together all must ask."""
        cpu_seconds = sum(ranks.gathered(time.process_time() - self._cpu_started))
        own = Spent(time.monotonic() - self._started, cpu_seconds, self._meter.joules())
        return self._before + own

    def go_on_from(self, checkpoint: Path) -> None:
        """Add what the processes before spent on a checkpoint."""
        self._before += read(checkpoint)

    def give_up(self, tokens: int) -> None:
        """Add the tokens that an attempt has read which does not go on."""
        self._before += Spent(tokens=tokens)


def keep(spent: Spent, checkpoint: Path) -> None:
    """Write what was spent into a checkpoint, before it is sealed."""
    (checkpoint / RECORD).write_text(json.dumps(asdict(spent)), encoding="utf-8")


def read(checkpoint: Path) -> Spent:
    """Return what was spent on a sound checkpoint.

    One of a version before this says nothing: then energy is unknown, and time counts from here.
    """
    record = checkpoint / RECORD
    if not record.is_file():
        return Spent(joules=None)
    return Spent(**json.loads(record.read_text(encoding="utf-8")))
