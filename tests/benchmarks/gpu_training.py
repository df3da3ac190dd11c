"""QLoRA on a GPU: through the trainer's door, and single steps of an 8B and a 70B shape.

    python tests/benchmarks/gpu_training.py                       # on a GPU: about five minutes
    python tests/benchmarks/gpu_training.py --preset tiny         # its CPU twin: a minute
    python tests/benchmarks/gpu_training.py --parts step70b --out step.json

    sft, dpo   `python -m models.train request.json`, as the asset starts it, on a hub-format base
               with random weights: tokens/s, peak memory, a finite loss, the adapter loaded back
    step70b    peak memory of one step of Llama 2 70B's shape in NF4 with a rank-64 adapter in
               bfloat16 and gradient checkpointing (goal: below 46 GB at 512 tokens), tokens/s, MFU
    mfu8b      the same figures for Qwen3 8B's shape

MFU counts the model's own arithmetic (`models.estimates.flops_per_token`: 4 a frozen weight and
token, 6 an adapter's, causal attention by half the square) over the dense bfloat16 peak of
NVIDIA's data sheet, 989 TFLOP/s for an H100 or H200 SXM; HFU counts the pass that checkpointing
computes again too.  Paged optimizers take managed memory: ask for them by `--paged`, on a card of
your own.  Results are written as they come, a part at a time.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models import recipes
from models.processes import calm_environment

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIBRARIES = ("torch", "transformers", "peft", "trl", "bitsandbytes", "accelerate", "datasets")
PARTS = ("sft", "dpo", "step70b", "mfu8b")
PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {
        "door": "tiny-qwen3",
        "training": {"max_steps": 4, "batch": 2, "accumulation": 1},
        "length": 128,
        "step70b": ("tiny-llama", ["adam8:1:64", "adam32:1:64"]),
        "mfu8b": ("tiny-qwen3", ["adam8:2:64"]),
    },
    "full": {
        "door": "qwen3-0.6b",
        "training": {"max_steps": 20, "batch": 16, "accumulation": 1},
        "length": 512,
        "step70b": (
            "llama2-70b",
            ["adam8:1:512", "adam32:1:512", "adam8:1:2048", "adam8:4:2048"],
        ),
        "mfu8b": ("qwen3-8b", ["adam8:1:512", "adam8:4:2048", "adam8:8:2048"]),
    },
    "8b": {
        "door": "qwen3-8b",
        "training": {"max_steps": 8, "batch": 4, "gradient_checkpointing": True},
        "length": 512,
        "step70b": ("llama2-70b", ["adam8:1:512"]),
        "mfu8b": ("qwen3-8b", ["adam8:4:2048"]),
    },
}
SECONDS = {"sft": 170, "dpo": 170, "step70b": 150, "mfu8b": 100}
"""The most a part may take: a part that hangs must not take the others' time."""


def main(arguments: argparse.Namespace) -> None:
    """Run the parts that are asked for, and write what they found after each."""
    preset, deadline = PRESETS[arguments.preset], time.monotonic() + arguments.seconds
    found: dict[str, Any] = {"preset": arguments.preset, "machine": _machine(), "parts": {}}
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        for part in arguments.parts.split(","):
            left = deadline - time.monotonic()
            _say(f"{part}: begins, {left:.0f} s left")
            started = time.monotonic()
            limit = min(left, SECONDS[part] * arguments.patience)
            result = _part(part, preset, Path(folder), limit, paged=arguments.paged)
            found["parts"][part] = {**result, "wall_seconds": round(time.monotonic() - started, 1)}
            _write(arguments.out, found)
            _say(f"{part}: {json.dumps(_short(found['parts'][part]))}")


def _part(
    part: str, preset: dict[str, Any], folder: Path, limit: float, *, paged: bool
) -> dict[str, Any]:
    """Return what a part found; what went wrong is a finding too."""
    if limit < 5:
        return {"not_run": "no time left"}
    deadline = time.monotonic() + limit
    if part in {"sft", "dpo"}:
        return _through_the_door(part, preset, folder, deadline)
    shape, plans = preset[part]
    if paged and part == "step70b":
        plans = [*plans, *(plan.replace("adam", "paged") for plan in plans[:2])]
    return _own_process("steps", shape, *plans, deadline=deadline)


def _through_the_door(
    method: str, preset: dict[str, Any], folder: Path, deadline: float
) -> dict[str, Any]:
    """Train by `python -m models.train`, and load what came out."""
    recipe = _recipe(method, preset)
    if recipe is None:
        return {"not_run": f"no recipe has the method {method}"}
    base = folder / "base"
    made = {} if base.exists() else _own_process("base", preset["door"], base, deadline=deadline)
    if "failed" in made:
        return made
    request = {
        "base_path": str(base),
        "base_id": preset["door"],
        "base_model": preset["door"],
        "recipe": recipe,
        "rows_path": str(_rows(method, preset, folder)),
        "adapters_dir": str(folder / "adapters"),
        "training_set_id": f"random-{method}",
    }
    path = folder / f"{method}.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    report = _run([sys.executable, "-m", "models.train", str(path)], deadline)
    if "failed" in report:
        return report
    arguments = (preset["door"], base, report["path"])
    loaded = _own_process("loads", *arguments, deadline=deadline)
    told = {key: value for key, value in report.items() if key not in {"path", "rows_dropped"}}
    return {"base": {"shape": preset["door"], **made}, "report": told, "loaded_back": loaded}


def _recipe(method: str, preset: dict[str, Any]) -> dict[str, Any] | None:
    """Return Guanaco's settings with the preset's steps, or None where the method is unknown."""
    from lake.errors import RecipeError

    content = recipes.load("guanaco_7b").model_dump(mode="json")
    content |= {"method": method, "max_length": preset["length"]}
    content["quantization"]["compute_dtype"] = "auto"
    content["optimizer"]["name"] = "adamw_torch"
    plain = {"gradient_checkpointing": False, "checkpoint_steps": 0, "group_by_length": False}
    content["training"] |= {**plain, **preset["training"]}
    if method == "dpo":  # two answers a row
        content["training"]["batch"] = max(1, content["training"]["batch"] // 2)
    try:
        recipes.parse(content)
    except RecipeError:
        return None
    return content


def _rows(method: str, preset: dict[str, Any], folder: Path) -> Path:
    """Write rows of random Russian words, most of them nearly as long as is allowed."""
    rng = random.Random(method)
    length = preset["length"]  # the small tokenizer takes a token for 1.8 letters
    words = ["ключи", "лежат", "на", "полке", "у", "двери", "собаку", "зовут", "Буран", "чай"]

    def speech(letters: float) -> str:
        said = ""
        while len(said) < letters:
            said += rng.choice(words) + " "
        return said.strip()

    def row() -> dict[str, Any]:
        question = {"role": "user", "content": speech(0.3 * length)}
        if method == "dpo":
            return {"prompt": [question], "chosen": speech(length), "rejected": speech(length),
                    "weight": 1.0, "role": "preference"}  # fmt: skip
        answer = {"role": "assistant", "content": speech(length)}
        return {"messages": [question, answer], "weight": 1.0, "role": "new"}

    path = folder / f"{method}.jsonl"
    lines = (json.dumps(row(), ensure_ascii=False) for _ in range(400))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _own_process(part: str, *arguments: object, deadline: float) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "gpu_parts.py"), part, *map(str, arguments)]
    return _run(command, deadline)


def _run(command: list[str], deadline: float) -> dict[str, Any]:
    """Run a process to its end; its errors go where ours go, its last line is what it found."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**calm_environment(), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    left = max(1.0, deadline - time.monotonic())
    try:
        ended = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, timeout=left, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {left:.0f} s"}
    if ended.returncode:
        return {"failed": f"{command[1:3]} ended with {ended.returncode}"}
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def _machine() -> dict[str, Any]:
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        device = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        device = f"no GPU; {platform.machine()}, {os.cpu_count()} processors"
    return {
        "device": device,
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _short(result: dict[str, Any]) -> dict[str, Any]:
    """Return what fits a line of progress."""
    report = result.get("report", {})
    kept = ("tokens_per_second", "peak_memory_bytes", "train_loss", "seconds", "device")
    shown = {key: report[key] for key in kept if key in report}
    told = ("not_run", "failed", "wall_seconds", "loaded_back", "build_seconds")
    return {**shown, **{key: result[key] for key in told if key in result}}


def _write(path: Path, found: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def _say(words: str) -> None:
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {words}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--preset", choices=PRESETS, default="full")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "gpu_training.json")
    parser.add_argument("--seconds", type=float, default=340, help="of the whole")
    parser.add_argument("--patience", type=float, default=1, help="times the limit of a part")
    parser.add_argument("--scratch", help="where the base is written: 2 GB, or 20 for 8b")
    parser.add_argument("--paged", action="store_true", help="paged optimizers too")
    main(parser.parse_args())
