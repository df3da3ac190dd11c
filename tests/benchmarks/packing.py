"""How many learned tokens a second packing gives, against trl's own defaults, at the same loss.

    python -P tests/benchmarks/packing.py [PAIRS]      # 5 pairs without an argument

The rows are 80 threads of OASST1 in Russian, hundreds of tokens each, and the shipped sample's
dialogues, mostly of one line: what real rows look like.  Those longer than 1,024 tokens, trl's own
`max_length`, are counted and left out.  All arms read the very same tokens and labels for one
epoch, on the quick base in NF4 under the same LoRA, in this process, one after the other:

    packed      our trainer, `packing = true`: rows of at most 1,024 tokens, one a step
    defaults    trl's `SFTConfig()`: eight padded rows a step, gradient checkpointing, bfloat16
    padded      the same without those two: what padding alone costs

Padded, about five tokens in six would be padding; so 2 to 5 times as many learned tokens a second
are expected.  A step has about as many learned tokens in each arm, so the loss must come out the
same; it is measured on every row, in nats a learned token.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from models.processes import calm_down

calm_down()

from assets import inbox, sources  # noqa: E402  after the environment is calm
from lake.schemas import Dialogue  # noqa: E402
from models import recipes  # noqa: E402
from models.base import ensure_base  # noqa: E402
from models.chat import load_tokenizer  # noqa: E402
from models.training.request import TrainRequest  # noqa: E402
from models.training.rows import Rows, read_rows  # noqa: E402
from models.training.trainers import build_trainer  # noqa: E402

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MAX_LENGTH = 1024
LR = 4e-3
ARMS = ("packed", "defaults", "padded")


def main(pairs: int) -> None:
    """Measure every arm so many times, alternating; print and write the ratios."""
    models = Path(os.environ.get("STEPPE_TEST_MODELS", ROOT / ".steppe" / "test-models"))
    base = ensure_base("embedded-quick", models)
    tokenizer = load_tokenizer(base.path)
    with tempfile.TemporaryDirectory() as folder:
        request = _request(base, Path(folder))
        rows = read_rows(Path(request.rows_path), tokenizer, recipes.parse(request.recipe))
        learned = sum(_learned(example.columns["labels"]) for example in rows.examples)
        arms = {arm: _arm(arm, request, rows, tokenizer) for arm in ARMS}
        for run in arms.values():  # once uncounted: allocators and caches are warm afterwards
            run(0)
        runs = [{arm: arms[arm](seed) for arm in ARMS} for seed in range(1, pairs + 1)]
    result = {
        "rows": rows.total,
        "rows_trained": len(rows.examples),
        "rows_dropped": dict(rows.dropped),
        "tokens": rows.tokens,
        "learned_tokens": learned,
        "pairs": pairs,
        "learned_tokens_a_second": {
            arm: _spread([learned / run[arm]["seconds"] for run in runs]) for arm in ARMS
        },
        "steps": {arm: runs[0][arm]["steps"] for arm in ARMS},
        "times_defaults": _spread([_ratio(run, "defaults") for run in runs]),
        "times_padded": _spread([_ratio(run, "padded") for run in runs]),
        "nats_a_token": {arm: _spread([run[arm]["nats"] for run in runs], 4) for arm in ARMS},
        "nats_above_defaults": _spread(
            [run["packed"]["nats"] - run["defaults"]["nats"] for run in runs], 4
        ),
    }
    written = json.dumps(result, indent=1)
    (HERE / "results" / "packing.json").write_text(written + "\n", encoding="utf-8")
    sys.stdout.write(written + "\n")


def _request(base: Any, folder: Path) -> TrainRequest:
    data = Path(os.environ.get("STEPPE_TEST_DATA", "../shared/data"))
    samples = Path(inbox.__file__).parent / "sources" / "samples" / "dialogues"
    path = folder / "rows.jsonl"
    talks = [talk for root in (data / "oasst_ru", samples) for talk in _dialogues(root)]
    path.write_text("\n".join(json.dumps({"messages": t}) for t in talks), encoding="utf-8")
    recipe = recipes.load("embedded").model_dump(mode="json")
    recipe |= {"max_length": MAX_LENGTH, "packing": True}
    recipe["training"] |= {"batch": 1, "accumulation": 1, "padding_free": False, "epochs": 1.0}
    recipe["optimizer"] |= {"lr": LR}
    return TrainRequest(
        base_path=str(base.path),
        base_id=base.base_id,
        base_model=base.name,
        recipe=recipe,
        rows_path=str(path),
        adapters_dir=str(folder / "adapters"),
        training_set_id="packing",
    )


def _dialogues(root: Path) -> Iterator[list[dict[str, str]]]:
    for found in sources.walk([root]):
        if not found.problem:
            for item in sources.read(found.path, root=found.root):
                if isinstance(item, Dialogue):
                    yield [{"role": m.role, "content": m.content} for m in item.messages]


def _arm(
    arm: str, request: TrainRequest, rows: Rows, tokenizer: Any
) -> Callable[[int], dict[str, Any]]:
    def run(seed: int) -> dict[str, Any]:
        asked = {**request.recipe, "seed": seed}
        recipe = recipes.parse(asked)
        if arm == "packed":
            trainer = build_trainer(request, recipe, rows, tokenizer, lambda _: None)
        else:
            trainer = _trl(request, recipe, rows, tokenizer, plain=arm == "padded")
        started = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - started
        nats = _nats(trainer.model, rows)
        sys.stderr.write(f"{arm} {seed}: {seconds:.1f} s, {nats:.4f} nats\n")
        return {"seconds": seconds, "nats": nats, "steps": trainer.state.global_step}

    return run


def _trl(request: TrainRequest, recipe: Any, rows: Rows, tokenizer: Any, *, plain: bool) -> Any:
    """Return trl's trainer as it comes, but for the optimiser, which is that of the recipe."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from models.training.tuners import adapted_base, training_device

    device = training_device()
    changed = {"bf16": False, "gradient_checkpointing": False} if plain else {}
    arguments = SFTConfig(
        output_dir=request.adapters_dir,
        seed=recipe.seed,
        num_train_epochs=1,
        use_cpu=device.type == "cpu",
        learning_rate=recipe.optimizer.lr,
        lr_scheduler_type=recipe.optimizer.schedule,
        warmup_steps=recipe.optimizer.warmup,
        adam_beta2=recipe.optimizer.beta2,
        dataset_kwargs={"skip_prepare_dataset": True},
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **changed,
    )
    trainer = SFTTrainer(
        model=adapted_base(request, recipe, device),
        args=arguments,
        train_dataset=Dataset.from_list([dict(e.columns) for e in rows.examples]),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _nats(model: Any, rows: Rows) -> float:
    """Return the loss over all rows, in nats a learned token."""
    import torch

    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for example in rows.examples:
            tokens = torch.tensor([example.columns["input_ids"]], device=model.device)
            labels = torch.tensor([example.columns["labels"]], device=model.device)
            logits = model(input_ids=tokens).logits[:, :-1].float().transpose(1, 2)
            loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:], reduction="sum")
            total, count = total + float(loss), count + _learned(example.columns["labels"])
    return total / count


def _learned(labels: list[int]) -> int:
    return sum(label >= 0 for label in labels[1:])


def _ratio(run: dict[str, Any], other: str) -> float:
    return run[other]["seconds"] / run["packed"]["seconds"]


def _spread(values: list[float], digits: int = 2) -> dict[str, float]:
    found = {"min": min(values), "median": median(values), "max": max(values)}
    return {name: round(value, digits) for name, value in found.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
