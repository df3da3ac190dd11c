"""`kill -9` at random moments of `python -m models.train`, again and again, for SFT and for DPO.

Promise: a training that was killed and asked for again ends in the very bytes of one that was
never disturbed, and leaves nothing behind but its adapter.

Moments are drawn by seed from the time that an undisturbed training takes once its imports are
done; a kill counts only if the process was still under way.  The base is two layers of random
weights: what is resumed does not depend on what it knows.
"""

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from models import adapters, recipes
from models.processes import calm_environment
from models.testing import tiny_base
from models.training.request import TrainRequest

pytestmark = pytest.mark.crash

ROOT = Path(__file__).parents[2]
KILLS = 20  # of each method, under way
KILLS_A_RUN = 5  # then the run may end
STEPS, CHECKPOINT_STEPS = 60, 3
SEED = 20_261_127
SAID = [
    ("Как зовут мою собаку?", "Твою собаку зовут Буран.", "Не знаю."),
    ("Где мои ключи?", "Ключи лежат на полке у двери.", "Где-то."),
    ("Какой чай я люблю?", "Ты любишь чай с мятой.", "Никакой."),
    ("Где я работаю?", "Ты работаешь у озера.", "Нигде."),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("tiny") / "base")


def rows(method: str) -> list[dict]:
    """Return dialogues, or pairs for DPO."""
    if method == "dpo":
        return [
            {"prompt": [{"role": "user", "content": q}], "chosen": c, "rejected": r}
            for q, c, r in SAID
        ]
    return [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": c}]}
        for q, c, _ in SAID
    ]


def asked(base: Path, folder: Path, method: str, parent: str = "") -> TrainRequest:
    """Return a request of some sixty steps with a checkpoint every third."""
    folder.mkdir(parents=True)
    path = folder / "rows.jsonl"
    lines = [json.dumps({**row, "weight": 3.0}, ensure_ascii=False) for row in rows(method)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = recipes.load("quick").model_dump(mode="json") | {"method": method}
    recipe["lora"]["dropout"] = 0.1  # draws from the generators that a checkpoint must keep
    recipe["training"] |= {"max_steps": STEPS, "checkpoint_steps": CHECKPOINT_STEPS}
    return TrainRequest(
        base_path=str(base),
        base_id="tiny",
        base_model="steppe-tiny",
        recipe=recipe,
        rows_path=str(path),
        adapters_dir=str(folder / "adapters"),
        training_set_id="set",
        parent_adapter=parent,
    )


def begin(request: TrainRequest) -> subprocess.Popen:
    """Start the trainer's process on a request."""
    file = Path(request.rows_path).with_name("request.json")
    file.write_text(json.dumps(asdict(request)), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "models.train", str(file)],
        cwd=ROOT,
        env={**calm_environment(), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def report_of(process: subprocess.Popen) -> dict:
    """Wait for the end and return the report."""
    told, _ = process.communicate(timeout=300)
    assert 0 == process.returncode
    return json.loads(told.splitlines()[-1])


def killed(request: TrainRequest, after_seconds: float) -> bool:
    """Begin or resume a training and kill it; return whether it was still under way."""
    process = begin(request)
    try:
        process.wait(after_seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_killed_training_ends_in_the_bytes_of_an_undisturbed_one(base, tmp_path, method):
    """DPO goes on from a parent, so that a frozen reference stands beside what is learned."""
    parent = ""
    if method == "dpo":
        parent = report_of(begin(asked(base, tmp_path / "parent", "sft")))["path"]
    started = time.monotonic()
    control = report_of(begin(asked(base, tmp_path / "control", method, parent)))
    whole = time.monotonic() - started
    rng, kills, begun, runs = random.Random(f"{SEED}/{method}"), 0, 0, 0
    while kills < KILLS:
        runs += 1
        request = asked(base, tmp_path / f"run-{runs}", method, parent)
        for _ in range(KILLS_A_RUN):
            begun += 1
            under_way = killed(request, whole - rng.uniform(0, control["seconds"]))
            kills += under_way
            if not under_way:
                break
        resumed = report_of(begin(request))

        assert control["sha256"] == resumed["sha256"]
        assert adapters.verify(Path(resumed["path"]))
        assert [control["adapter_id"]] == [p.name for p in Path(request.adapters_dir).iterdir()]
    print(f"{method}: {kills} kills under way of {begun} begun, {runs} runs, each {whole:.0f} s")
