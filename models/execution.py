"""A training as it is run: told what it will take, fitted to the device's memory, metered.

`models.qlora.train` trains once.  Here it is tried with the recipe's micro-batch and, where the
device's memory does not hold that, with smaller ones at the same effective batch.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import TrainingFailed
from models import estimates, recipes
from models.energy import Meter
from models.qlora import train
from models.recipes import Recipe
from models.training.request import AdapterReport, Report, TrainRequest, least_batch
from models.training.spent import Account

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SAMPLED_ROWS = 200
"""Rows read to tell how long the others are: their mean is known to about a twentieth."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a training is run, apart from what is trained; no part of any id.

    `tokens_per_second` is what the same recipe gave on the same base before, 0 where unknown; it
    counts only on the devices it was `measured_on`, where that is said.
    `memory_holds` is for trials of the retries on devices that have memory enough: a micro-batch
    above it fails as if the memory were full, after its first step; 0 never.
    """

    tokens_per_second: float = 0.0
    measured_on: str = ""
    memory_holds: int = 0


class Watch:
    """Passes events on and measures the steps after the first, which pays for warming up."""

    def __init__(self, report: Report, *, memory_holds: int = 0) -> None:
        self._report = report
        self._memory_holds = memory_holds
        self._at = 0.0
        self._seconds = self._tokens = 0.0
        self.micro_batch = 0

    def __call__(self, event: dict[str, Any]) -> None:
        """Take an event; raise what a full device raises where `memory_holds` is exceeded."""
        if event["event"] == "step":
            now, before = time.monotonic(), self._at
            self._at = now
            if before:
                self._seconds += now - before
                self._tokens += event["tokens_per_second"] * (now - before)
            if 0 < self._memory_holds < self.micro_batch:
                raise _memory_is_full(self._memory_holds)
        self._report(event)

    def begin(self, micro_batch: int) -> None:
        """Forget what an attempt that failed has shown."""
        self._at = self._seconds = self._tokens = 0.0
        self.micro_batch = micro_batch

    @property
    def tokens_per_second(self) -> float:
        """Return the tokens a second of the steps after the first, 0 where there were none."""
        return self._tokens / self._seconds if self._seconds else 0.0


def _memory_is_full(memory_holds: int) -> Exception:
    import torch

    return torch.OutOfMemoryError(f"a trial: told to hold micro-batches of {memory_holds} at most")


def run(request: TrainRequest, report: Report, conditions: Conditions) -> AdapterReport:
    """Train what is asked for in the largest micro-batch that fits; return the whole report.

    Events beside those of `train`: `estimate` before the start, `smaller_batch` at every retry.
    Raise `TrainingFailed` where not even one row at a time fits.
    """
    account = Account(Meter(on_gpu=_has_gpu()))
    recipe = recipes.parse(request.recipe)
    expected = expectation(request, recipe, conditions)
    report({"event": "estimate", **expected.as_dict()})
    watch = Watch(report, memory_holds=conditions.memory_holds)
    done, retries = _fitted(request, recipe, watch, account)
    return replace(
        done,
        device=devices(request.processes),
        processes=request.processes,
        micro_batch=watch.micro_batch,
        memory_retries=retries,
        tokens_per_second=watch.tokens_per_second,
        predicted=expected.as_dict(),
    )


def _fitted(
    request: TrainRequest, recipe: Recipe, watch: Watch, account: Account
) -> tuple[AdapterReport, int]:
    """Train, halving the micro-batch while memory is short; return the report and the retries."""
    import torch

    micro, retries = request.batches(recipe)[0], 0
    least = least_batch(recipe)
    while True:
        watch.begin(micro)
        attempt = replace(request, micro_batch=micro)
        try:
            return train(attempt, watch, account), retries
        except torch.OutOfMemoryError as error:
            said = str(error).split("\n", maxsplit=1)[0]
        if request.processes > 1:  # the others wait in the middle of a step: none can start over
            raise TrainingFailed(
                f"{micro} rows of {recipe.max_length} tokens do not fit a device: {said}",
                hint="lower `batch` in the recipe and raise `accumulation`, lower `max_length`, "
                'or set training.launch = "fsdp_qlora"',
            )
        if not _smaller(micro, recipe, least):
            raise TrainingFailed(
                f"Not even {micro} rows of {recipe.max_length} tokens fit the device: {said}",
                hint="lower `max_length` or `lora.r`, set `gradient_checkpointing = true` and "
                '`quantization.kind = "nf4"`, or take a device with more memory',
            )
        micro, retries = _smaller(micro, recipe, least), retries + 1
        _forget(attempt)
        accumulation = recipe.training.batch * recipe.training.accumulation // micro
        told = {"micro_batch": micro, "accumulation": accumulation, "because": said}
        watch({"event": "smaller_batch", **told})


def _smaller(micro: int, recipe: Recipe, least: int) -> int:
    """Return the largest micro-batch up to half of this one that divides the effective batch.

    Where none does from `least` on, it is as large as it can be and still too large to try again.
    """
    whole = recipe.training.batch * recipe.training.accumulation
    return next((n for n in range(micro // 2, least - 1, -1) if whole % n == 0), 0)


def _forget(attempt: TrainRequest) -> None:
    """Give back what a failed attempt left: checkpoints, cycles, the allocator's cache."""
    import torch

    shutil.rmtree(attempt.work_dir, ignore_errors=True)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def expectation(
    request: TrainRequest, recipe: Recipe, conditions: Conditions
) -> estimates.Estimate:
    """Return what this training will take, as far as is known before it starts."""
    from models.chat import load_tokenizer

    shape = estimates.read_shape(Path(request.base_path))
    load = estimates.load_of(
        recipe, "cuda" if _has_gpu() else "cpu", micro_batch=request.batches(recipe)[0]
    )
    tokens = expected_tokens(
        Path(request.rows_path), load_tokenizer(Path(request.base_path)), recipe
    )
    as_now = conditions.measured_on in ("", devices(request.processes))
    rate, basis = estimates.known_rate(
        device_name(),
        _threads(),
        estimates.flops_per_token(shape, load, recomputed=True),
        conditions.tokens_per_second if as_now else 0.0,
    )
    return estimates.expect(
        shape,
        load,
        tokens,
        method=recipe.method,
        resident_bytes=0 if _has_gpu() else _resident_bytes(),
        flops_per_second=rate,
        basis=basis,
    )


def expected_tokens(path: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> int:
    """Return about how many tokens will be trained on: a sample's mean length times the rows."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    sampled = rows[:: max(1, len(rows) // SAMPLED_ROWS)]
    lengths = [min(_length(row, tokenizer), recipe.max_length) for row in sampled]
    mean = sum(lengths) / max(1, len(lengths))
    training = recipe.training
    if training.max_steps:
        return round(mean * training.max_steps * training.batch * training.accumulation)
    return round(mean * training.epochs * sum(float(row.get("weight", 1.0)) for row in rows))


def _length(row: Mapping[str, Any], tokenizer: PreTrainedTokenizerBase) -> int:
    """Return a row's tokens, its words apart from the few tokens of the template."""
    if "messages" in row:
        return len(tokenizer(" ".join(m["content"] for m in row["messages"]))["input_ids"])
    prompt = " ".join(m["content"] for m in row["prompt"])
    answers = [row["chosen"], row["rejected"]]
    return sum(len(tokenizer(f"{prompt} {answer}")["input_ids"]) for answer in answers if answer)


def device_name() -> str:
    """Return the name of the GPU, or `cpu`."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def devices(processes: int) -> str:
    """Return what processes train on together: `cpu`, a GPU's name, or `2 x NVIDIA H100`.

    Each has a GPU of its own; processes without one share this machine's processors.
    """
    name = device_name()
    return name if processes == 1 or name == "cpu" else f"{processes} x {name}"


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
