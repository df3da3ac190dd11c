"""What one training is asked, and what it gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lake.errors import TrainingFailed
from lake.ids import file_id, json_id
from models.recipes import Recipe

Report = Callable[[dict[str, Any]], None]


def least_batch(recipe: Recipe) -> int:
    """Return the smallest micro-batch: KTO measures its divergence between two rows of one."""
    return 2 if recipe.method == "kto" and recipe.loss == "kto" else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Everything one training needs; JSON in, so that it can cross a process border.

    `rows_path` is JSONL, one dialogue `{"messages", "weight", "role"}` or one preference
    `{"prompt", "chosen", "rejected", "weight", "role"}` a line; `adapters_dir` the folder the
    finished adapter appears in, under its content id; `base_model` the base's name.
    `micro_batch` above 0 replaces the recipe's batch at the same effective batch, which it divides.
    `processes` share that effective batch, each with its own device.
    """

    base_path: str
    base_id: str
    base_model: str
    recipe: Mapping[str, Any]
    rows_path: str
    adapters_dir: str
    training_set_id: str
    parent_adapter: str = ""
    micro_batch: int = 0
    processes: int = 1

    def batches(self, recipe: Recipe) -> tuple[int, int]:
        """Return (micro-batch, accumulation) of one process: the recipe's, or to the same effect.

        Micro-batch, accumulation and processes multiply to the recipe's effective batch; raise
        `TrainingFailed` where they cannot.
        """
        batch, accumulation = recipe.training.batch, recipe.training.accumulation
        if self.processes == 1:
            micro = self.micro_batch or batch
            return micro, batch * accumulation // micro
        share, rest = divmod(batch * accumulation, self.processes)
        wanted = (
            [self.micro_batch] if self.micro_batch else range(batch, least_batch(recipe) - 1, -1)
        )
        fitting = [micro for micro in wanted if not rest and share and share % micro == 0]
        if not fitting:
            raise TrainingFailed(
                f"{self.processes} processes cannot share an effective batch of "
                f"{batch} x {accumulation} rows"
                + (f" in micro-batches of {self.micro_batch}." if self.micro_batch else "."),
                hint="set `training.processes` to a divisor of batch x accumulation, "
                "or change `accumulation` in the recipe",
            )
        return fitting[0], share // fitting[0]

    @property
    def request_id(self) -> str:
        """Return the id of what is asked, machine paths left out: equal asks resume each other."""
        asked = [self.base_id, self.training_set_id, Path(self.parent_adapter).name]
        whole = (0, self.recipe["training"]["batch"])
        smaller = [] if self.micro_batch in whole else [self.micro_batch]
        several = [f"{self.processes} processes"] if self.processes > 1 else []
        rows = file_id(Path(self.rows_path))
        return json_id([*asked, dict(self.recipe), rows, *smaller, *several])

    @property
    def work_dir(self) -> Path:
        """Return the folder of drafts and checkpoints; it is gone once the adapter is there."""
        return Path(self.adapters_dir) / f".training-{self.request_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterReport:
    """What a training gave and what it cost.

    `losses` are (step, nats a learned token), or (step, preference loss); `metrics` what a
    preference method tells besides: rewards in nats times beta, over the last tenth of the run.
    `seconds`, `cpu_seconds`, `energy_joules` (None where it cannot be known) and `tokens` tell of
    the same work, from start to end: `models.training.spent`.
    The last block is how it was run, filled in by `models.execution`: `device` as `devices` there
    names all of them, `tokens_per_second` of the steps after the first, what was `predicted`.
    """

    adapter_id: str
    served_name: str
    path: str
    base_id: str
    base_model: str
    method: str
    recipe_id: str
    training_set_id: str
    parent_adapter_id: str
    template_id: str
    sha256: str
    rows: int
    rows_trained: int
    rows_dropped: Mapping[str, int]
    tokens: int
    steps: int
    train_loss: float
    losses: tuple[tuple[int, float], ...]
    metrics: Mapping[str, float]
    trainable_parameters: int
    device: str
    seconds: float
    cpu_seconds: float
    energy_joules: float | None
    peak_memory_bytes: int

    processes: int = 1
    micro_batch: int = 0
    memory_retries: int = 0
    tokens_per_second: float = 0.0
    predicted: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self)
