"""Packed rows: nothing is cut, nothing leaks from one row to the next, and the loss is the same."""

import json

import pytest

from models import qlora, recipes
from models.chat import load_tokenizer
from models.training import trainers

TALKS = [
    [{"role": "user", "content": "Да?"}, {"role": "assistant", "content": "Да. " * n}]
    for n in (1, 2, 9, 1, 3, 200)
]
PACKED = {"packing": True, "training": {"batch": 1, "checkpoint_steps": 2, "max_steps": 6}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"messages": t}) for t in TALKS))
    return path


def batches(request, tokenizer):
    """Return the rows, and the batches that a trainer makes of them."""
    from pathlib import Path

    recipe = recipes.parse(request.recipe)
    rows = qlora.read_rows(Path(request.rows_path), tokenizer, recipe)
    trainer = trainers.build_trainer(request, recipe, rows, tokenizer, lambda _: None)
    return rows, list(trainer.get_train_dataloader()), trainer


def summed_loss(model, batch):
    """Return the nats of a batch's learned tokens, summed."""
    import torch

    labels = batch.pop("labels")
    model.eval()
    with torch.no_grad():
        logits = model(**batch, use_cache=False).logits[:, :-1].transpose(1, 2)
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:], reduction="sum").item()


def test_what_is_too_long_is_counted_not_cut_and_the_rest_is_all_there(quick_request, tiny, path):
    tokenizer = load_tokenizer(tiny)
    rows, packed, _ = batches(quick_request(rows_path=str(path), recipe=PACKED), tokenizer)
    tokens = sorted(t for b in packed for t in b["input_ids"].flatten().tolist())

    assert {"longer_than_max_length": 1} == rows.dropped
    assert sorted(t for e in rows.examples for t in e.columns["input_ids"]) == tokens
    assert len(packed) < len(rows.examples)
    assert all("attention_mask" not in batch for batch in packed)


def test_packed_rows_have_the_loss_they_have_alone(quick_request, tiny, path):
    tokenizer = load_tokenizer(tiny)
    alone = {"packing": False, "training": {"batch": 1, "max_steps": 6}}
    _, packed, model = batches(quick_request(rows_path=str(path), recipe=PACKED), tokenizer)
    _, single, _ = batches(quick_request(rows_path=str(path), recipe=alone), tokenizer)
    together = sum(summed_loss(model.model, batch) for batch in packed)

    assert sum(summed_loss(model.model, batch) for batch in single) == pytest.approx(
        together, rel=1e-5
    )


@pytest.mark.parametrize("method", ["sft", "cpt"])
def test_a_packed_training_resumes_to_the_same_bytes(quick_request, path, tmp_path, method):
    recipe = {**PACKED, "method": method}
    whole = qlora.train(quick_request(rows_path=str(path), recipe=recipe), lambda _: None)
    request = quick_request(tmp_path / "adapters", rows_path=str(path), recipe=recipe)

    def stop(event: dict) -> None:
        if event.get("step") == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qlora.train(request, stop)

    assert whole.sha256 == qlora.train(request, lambda _: None).sha256


def test_continued_pre_training_learns_every_word(tiny, path):
    tokenizer = load_tokenizer(tiny)
    made = {}
    for method in ("sft", "cpt"):
        recipe = recipes.load("quick").model_dump(mode="json") | {"method": method}
        rows = qlora.read_rows(path, tokenizer, recipes.parse(recipe))
        made[method] = [example.columns for example in rows.examples]

    assert all(c["labels"] == c["input_ids"] for c in made["cpt"])
    assert [c["input_ids"] for c in made["sft"]] == [c["input_ids"] for c in made["cpt"]]
    assert all(-100 in c["labels"] for c in made["sft"])
