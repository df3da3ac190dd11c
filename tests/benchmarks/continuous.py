"""Batches by length against transformers' continuous batching, on the embedded base.

    python -P tests/benchmarks/continuous.py

The same 256 primer questions, greedily, in one thread; CPU seconds, in turn, three times.
"""

import json
import statistics
import time
from pathlib import Path
from typing import Any

from lake.settings import settings
from models import primer
from models.backends.embedded import TransformersModel
from models.base import ensure_base
from models.chat import prompt_tokens
from models.processes import calm_down

RESULTS = Path(__file__).parent / "results" / "continuous.json"
SEED, DIALOGUES, ASKED, NEW_TOKENS, TIMES = 5, 400, 256, 48, 3


def main() -> None:
    """Measure both, and write the figures."""
    calm_down()
    import torch
    from transformers import GenerationConfig

    torch.set_num_threads(1)
    base = ensure_base("embedded", settings().models_dir)
    model = TransformersModel(base.path)
    asked = questions()
    prompts = [prompt_tokens(model.tokenizer, question) for question in asked]
    config = GenerationConfig(
        max_new_tokens=NEW_TOKENS,
        do_sample=False,
        eos_token_id=model.tokenizer.eos_token_id,
        pad_token_id=model.tokenizer.pad_token_id,
    )
    network: Any = model.network
    batched, continuous, tokens = [], [], 0
    for _ in range(TIMES):
        started = time.process_time()
        said = model.generate(asked, max_new_tokens=NEW_TOKENS)
        batched.append(time.process_time() - started)
        tokens = sum(answer.tokens for answer in said)
        started = time.process_time()
        network.generate_batch(inputs=prompts, generation_config=config, progress_bar=False)
        continuous.append(time.process_time() - started)
    found = {
        "tokens": tokens,
        "batched_cpu_seconds": statistics.median(batched),
        "continuous_cpu_seconds": statistics.median(continuous),
        "continuous_to_batched": statistics.median(continuous) / statistics.median(batched),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


def questions() -> list[list[dict[str, str]]]:
    """Return primer dialogues up to an answer that is determined."""
    drawn = primer.dialogues(SEED, DIALOGUES, "held_out")
    return [d.messages[: d.scored[-1]] for d in drawn if d.scored and d.scored[-1]][:ASKED]


if __name__ == "__main__":
    main()
