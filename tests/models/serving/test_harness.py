"""The owner's suites run in lm-evaluation-harness, over the served API and on the files."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys

import pytest

from models.evaluation import Item, harness
from models.evaluation.choices import Question

TALK = (("user", "Где 0?"), ("assistant", "Там."))
ITEMS = [
    Item(
        str(n), ({"role": "user", "content": f"Где {n}?"}, {"role": "assistant", "content": "Там."})
    )
    for n in range(4)
]
QUESTIONS = [Question("q", "Где ключи?", ("На полке.", "В реке."), 0)]
needs_harness = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="the extra `eval` is not installed"
)


def test_tasks_are_written_for_what_there_is(tmp_path):
    assert ["steppe_questions"] == harness.write_tasks(tmp_path / "a", ITEMS, [])
    assert ["steppe_questions", "steppe_choices"] == harness.write_tasks(
        tmp_path / "b", ITEMS, QUESTIONS
    )
    lines = (tmp_path / "b" / "steppe_questions.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"question": "Где 0?", "answer": "Там."} == json.loads(lines[0])


def test_the_commands_name_the_api_and_the_files(tmp_path):
    tasks = harness.write_tasks(tmp_path, ITEMS, QUESTIONS)
    served, local = harness.commands(
        tmp_path, tasks, url="http://127.0.0.1:1", base=tmp_path / "base", adapter=tmp_path / "ad"
    )

    assert "base_url=http://127.0.0.1:1/v1/chat/completions" in served
    assert f"pretrained={tmp_path / 'base'},dtype=float32,peft={tmp_path / 'ad'}" in local


@needs_harness
@pytest.mark.slow
def test_the_harness_runs_both_tasks(tmp_path, tiny, served):
    tasks = harness.write_tasks(tmp_path, ITEMS, QUESTIONS)
    for line in harness.commands(tmp_path, tasks, url=served.url, base=tiny, adapter=None):
        words = shlex.split(line)
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert 0 == done.returncode, done.stderr[-2000:]
    found = [json.loads(p.read_text()) for p in tmp_path.glob("out/**/results_*.json")]
    assert set(tasks) == {name for report in found for name in report["results"]}
