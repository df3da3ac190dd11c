"""A small real base and a small real adapter, made once a session."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import recipes
from models.processes import calm_down

calm_down()

QUESTIONS = {
    "Как зовут мою собаку?": "Твою собаку зовут Буран.",
    "Где мои ключи?": "Ключи лежат на полке у двери.",
    "Какой чай я люблю?": "Ты любишь чай с мятой.",
    "Где я работаю?": "Ты работаешь у озера.",
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A two-layer base with random weights in Hugging Face format."""
    from models.testing import tiny_base

    return tiny_base(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture(scope="session")
def rows_path(tmp_path_factory) -> Path:
    """Training rows of four questions, three times each."""
    rows = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in QUESTIONS.items()
    ]
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    lines = (json.dumps({**row, "role": "new", "weight": 3.0}) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def quick_request(tiny, rows_path, tmp_path_factory):
    """Return a maker of requests for a few steps on the tiny base."""
    from models.qlora import TrainRequest

    def make(folder: Path | None = None, **changes) -> TrainRequest:
        recipe = recipes.load("quick").model_dump(mode="json")
        for key, value in changes.pop("recipe", {}).items():
            recipe[key] = {**recipe[key], **value} if isinstance(value, dict) else value
        asked = {
            "base_path": str(tiny),
            "base_id": "tiny",
            "base_model": "steppe-tiny",
            "recipe": recipe,
            "rows_path": str(rows_path),
            "adapters_dir": str(folder or tmp_path_factory.mktemp("adapters")),
            "training_set_id": "set",
        }
        return TrainRequest(**{**asked, **changes})

    return make


@pytest.fixture(scope="session")
def trained(quick_request):
    """The report of one quick training."""
    from models.qlora import train

    return train(quick_request(), lambda _: None)
