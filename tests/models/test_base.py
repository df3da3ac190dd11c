"""A base is a function of its spec, appears whole or not at all, and is found again."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lake.errors import BackendUnavailable, RecipeError, TrainingFailed
from lake.ids import file_id
from models import base as bases
from models.base_spec import BaseSpec, base_id, base_specs, load_spec

TINY = {"steps": 3, "batch": 256, "width": 64, "heads": 2, "inner": 64, "layers": 2}
TINY |= {"tokenizer_dialogues": 300, "scored_dialogues": 12, "vocabulary": 500, "words": 100}


@pytest.fixture(scope="module")
def tiny() -> BaseSpec:
    return replace(load_spec("embedded-quick"), name="tiny", **TINY)


@pytest.fixture(scope="module")
def grown(tiny: BaseSpec, tmp_path_factory: pytest.TempPathFactory) -> bases.BaseModel:
    return bases.grow_base(tiny, tmp_path_factory.mktemp("models"))


def test_specs_are_named_as_settings_name_them():
    assert {"embedded", "embedded-quick"} <= base_specs().keys()
    with pytest.raises(RecipeError, match="no embedded base"):
        load_spec("embeded")


def test_the_id_follows_the_spec(tiny: BaseSpec):
    assert base_id(tiny) == base_id(replace(tiny))
    assert base_id(tiny) != base_id(replace(tiny, seed=tiny.seed + 1))


def test_a_base_is_a_whole_hub_folder(grown: bases.BaseModel):
    names = {path.name for path in grown.path.iterdir()}

    assert names == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "report.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert "{% generation %}" in json.loads((grown.path / "tokenizer_config.json").read_text())[
        "chat_template"
    ].replace("{%- generation -%}", "{% generation %}")
    assert grown.report["primer"].keys() >= {"overall", "memory", "unknown", "tool", "revision"}
    assert grown.report["tokens"] > 0


def test_the_same_spec_grows_the_same_bytes(grown: bases.BaseModel, tiny: BaseSpec, tmp_path: Path):
    seen: list[bases.Progress] = []
    again = bases.grow_base(tiny, tmp_path, seen.append)

    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "config.json"):
        assert file_id(again.path / name) == file_id(grown.path / name)
    assert again.base_id == grown.base_id
    assert seen[-1].step == seen[-1].total == tiny.steps


def test_a_grown_base_is_found_and_not_grown_again(
    grown: bases.BaseModel, tiny: BaseSpec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bases, "base_specs", lambda: {"tiny": tiny})
    monkeypatch.setattr(bases, "load_spec", lambda name: tiny)
    monkeypatch.setattr(bases, "grow_base", None)
    models_dir = grown.path.parents[1]

    assert bases.find_base("tiny", models_dir) == grown
    assert bases.ensure_base("tiny", models_dir) == grown
    assert bases.find_base("tiny", models_dir / "elsewhere") is None


def test_a_local_folder_is_used_where_it_lies(grown: bases.BaseModel, tmp_path: Path):
    copy = tmp_path / "model"
    shutil.copytree(grown.path, copy)
    found = bases.ensure_base(str(copy), tmp_path)

    assert (found.path, found.report) == (copy, {})
    assert found.base_id == bases.ensure_base(str(grown.path), tmp_path).base_id


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path):
    with pytest.raises(BackendUnavailable, match=r"no config\.json"):
        bases.ensure_base(str(tmp_path), tmp_path)


def test_a_hub_model_that_cannot_be_fetched_is_an_error_with_a_hint(tmp_path: Path):
    assert bases.find_base("nobody/nothing", tmp_path) is None
    with pytest.raises(BackendUnavailable, match="hint: go online"):
        bases.ensure_base("nobody/nothing", tmp_path)


def test_a_failed_growth_leaves_nothing(tiny: BaseSpec, tmp_path: Path):
    impossible = replace(tiny, vocabulary=1, words=0, steps=0)
    with pytest.raises(TrainingFailed, match="ended with code"):
        bases.grow_base(impossible, tmp_path)

    assert list((tmp_path / "bases").iterdir()) == []


def test_exactness_is_that_of_greedy_generation(grown: bases.BaseModel):
    """What `score_primer` says without generating is what `generate` does."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from models import primer, primer_scores

    tokenizer = AutoTokenizer.from_pretrained(str(grown.path))
    model = AutoModelForCausalLM.from_pretrained(str(grown.path), dtype="float32").eval()
    sample = [d for d in primer.dialogues(1, 12, "held_out") if d.scored]
    for dialogue in sample:
        tokens, answers = primer_scores.tokens_and_answers(tokenizer, dialogue)
        likeliest = model(input_ids=torch.tensor([tokens])).logits[0].argmax(-1).tolist()
        for answer in answers:
            told = tokens[answer.start : answer.end] == likeliest[answer.start - 1 : answer.end - 1]
            produced = model.generate(
                torch.tensor([tokens[: answer.start]]),
                attention_mask=torch.ones(1, answer.start, dtype=torch.long),
                max_new_tokens=answer.end - answer.start,
                do_sample=False,
            )[0, answer.start :].tolist()
            assert told == (produced == tokens[answer.start : answer.end])


@pytest.mark.crash
def test_a_growth_dies_with_whoever_started_it(tmp_path: Path):
    command = [sys.executable, "-m", "models.base", "grow", "embedded", "--models-dir"]
    parent = subprocess.Popen([*command, str(tmp_path)], cwd=bases.ROOT)
    family: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while len(family) < 2 and time.monotonic() < deadline:  # the grower and its helper
        time.sleep(0.2)
        family = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(family, timeout=10)

    assert len(family) == 2
    assert alive == []
    assert bases.find_base("embedded", tmp_path) is None
    assert [path.name.startswith(".growing-") for path in bases.leftovers(tmp_path)] == [True]
