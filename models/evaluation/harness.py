"""The owner's suites as tasks of lm-evaluation-harness, and how to run any of its tasks here.

Two tasks are written, each a YAML file beside its JSONL: `steppe_questions` (an exact answer) and
`steppe_choices` (the likeliest of given ones).  The harness is the extra `eval`; it speaks to the
served assistant through its chat API, or loads the base and an adapter itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from models.evaluation import Item
from models.evaluation.choices import Question

QUESTIONS, CHOICES = "steppe_questions", "steppe_choices"
YAML = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: {kind}
doc_to_text: question
{rest}"""
EXACT = """doc_to_target: answer
generation_kwargs:
  until: []
  max_gen_toks: 64
  temperature: 0
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    ignore_punctuation: true
"""
LIKELIEST = """doc_to_choice: choices
doc_to_target: right
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
"""


def write_tasks(folder: Path, items: Sequence[Item], questions: Sequence[Question]) -> list[str]:
    """Write the tasks that there are items for into a folder; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    asked: list[dict[str, object]] = [
        {"question": i.prompt[-1]["content"], "answer": i.reference} for i in items
    ]
    given: list[dict[str, object]] = [
        {"question": q.question, "choices": list(q.choices), "right": q.right} for q in questions
    ]
    tasks: dict[str, tuple[str, str, list[dict[str, object]]]] = {
        QUESTIONS: ("generate_until", EXACT, asked),
        CHOICES: ("multiple_choice", LIKELIEST, given),
    }
    written = [name for name, (_, _, rows) in tasks.items() if rows]
    for name in written:
        kind, rest, rows = tasks[name]
        data = (folder / f"{name}.jsonl").absolute()
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        data.write_text(lines, encoding="utf-8")
        text = YAML.format(name=name, data=json.dumps(str(data)), kind=kind, rest=rest)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return written


def commands(
    folder: Path, tasks: Sequence[str], *, url: str, base: Path, adapter: Path | None
) -> list[str]:
    """Return the command lines that run the tasks: generation over the API, likelihood on files."""
    common = (
        f"--include_path {folder} --apply_chat_template --log_samples --output_path {folder}/out"
    )
    served = f"model=steppe,base_url={url}/v1/chat/completions,num_concurrent=4,max_retries=2"
    local = f"pretrained={base},dtype=float32" + (f",peft={adapter}" if adapter else "")
    found = []
    if QUESTIONS in tasks:
        model = f"--model local-chat-completions --model_args {served}"
        found.append(f"lm_eval run {model} --tasks {QUESTIONS} {common}")
    if CHOICES in tasks:
        found.append(f"lm_eval run --model hf --model_args {local} --tasks {CHOICES} {common}")
    return found
