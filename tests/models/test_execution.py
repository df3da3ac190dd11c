"""A training as it is run: foretold, fitted to memory by halves, measured."""

import time

import pytest

from lake.errors import TrainingFailed
from models import adapters, execution
from models.execution import Conditions


def run(request, **conditions):
    told = []
    report = execution.run(request, told.append, Conditions(**conditions))
    return report, told


def test_it_is_told_before_what_it_will_take_and_compared_after(quick_request):
    report, told = run(quick_request())
    expected = told[0]

    assert "estimate" == expected["event"]
    assert expected["seconds"] > 0
    assert report.predicted["tokens"] == expected["tokens"]
    assert report.tokens == pytest.approx(expected["tokens"], rel=0.3)
    assert report.peak_memory_bytes > 0.5 * expected["peak_memory_bytes"]
    assert report.tokens_per_second > 0


def test_a_full_device_gets_half_the_batch_at_the_same_effective_batch(quick_request, tmp_path):
    request = quick_request(tmp_path)
    report, told = run(request, memory_holds=1)

    smaller = [(e["micro_batch"], e["accumulation"]) for e in told if "smaller" in e["event"]]
    assert [(2, 2), (1, 4)] == smaller
    assert (1, 2) == (report.micro_batch, report.memory_retries)
    assert 6 == report.steps
    manifest = adapters.read_manifest(tmp_path / report.adapter_id)
    assert 1 == manifest.environment["micro_batch"]
    assert manifest.recipe == request.recipe
    assert [] == list(tmp_path.glob(".training-*"))


def test_attempts_in_vain_are_paid_for_in_time_and_in_tokens(quick_request, trained):
    at = []
    report = execution.run(
        quick_request(), lambda _: at.append(time.monotonic()), Conditions(memory_holds=1)
    )

    assert 2 == report.memory_retries
    assert report.seconds > at[-1] - at[0]
    assert report.tokens == pytest.approx(trained.tokens * (1 + 2 / trained.steps), abs=2)


def test_the_smaller_batch_learns_the_same(quick_request, trained):
    report, _ = run(quick_request(), memory_holds=2)

    assert report.recipe_id == trained.recipe_id
    assert report.losses[0][1] == pytest.approx(trained.losses[0][1], rel=1e-3)


def test_where_not_one_row_fits_a_hint_says_what_helps(quick_request, monkeypatch):
    import torch

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(execution, "train", full)
    with pytest.raises(TrainingFailed, match="Not even 1 rows of 128 tokens") as error:
        run(quick_request())

    assert "gradient_checkpointing" in error.value.hint


def test_a_rate_that_was_measured_before_is_believed(quick_request):
    _, told = run(quick_request(), tokens_per_second=500.0)

    assert told[0]["seconds"] == pytest.approx(told[0]["tokens"] / 500.0)
    assert "when this recipe ran on this base before" in told[0]["basis"]
