"""What needs a CUDA device: the same training and the same answers as on a CPU, and vLLM's flags.

Skipped with a reason where there is none; `make gpu` runs it.
"""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.gpu


def test_qlora_trains_on_the_device_and_its_adapter_loads(tmp_path: Path) -> None:
    from models import recipes
    from models.backends.embedded import TransformersModel
    from models.qlora import TrainRequest, train
    from models.testing import tiny_base

    base = tiny_base(tmp_path / "base")
    talk = [
        {"role": "user", "content": "Где мои ключи?"},
        {"role": "assistant", "content": "Ключи лежат на полке у двери."},
    ]
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"messages": talk, "role": "new", "weight": 4.0}) + "\n")
    report = train(
        TrainRequest(
            base_path=str(base),
            base_id="b",
            base_model="tiny",
            recipe=recipes.load("quick").model_dump(mode="json"),
            rows_path=str(rows),
            adapters_dir=str(tmp_path / "adapters"),
            training_set_id="t",
        ),
        lambda _: None,
    )

    assert report.device.startswith("cuda")
    tuned = TransformersModel(base, Path(report.path))
    assert (
        float(
            (tuned.next_logits([talk[:1]]) - tuned.next_logits([talk[:1]], adapted=False))
            .abs()
            .max()
        )
        > 0
    )


def test_the_engine_serves_from_the_device(tmp_path: Path) -> None:
    from models.serving.engine import BASE, Engine
    from models.testing import tiny_base

    engine = Engine(tiny_base(tmp_path / "base"))

    assert "cuda" == engine.device.type
    assert engine.last_logits([1, 4, 20, 2, 5], BASE).shape == (engine.base.config.vocab_size,)
