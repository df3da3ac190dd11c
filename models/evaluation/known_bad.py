"""Adapters that must not be served, made on purpose: what any gate has to be tried on.

    for kind in KINDS:
        made = make(kind, ground, seed=0)      # a folder like any adapter's
        assert kind's rule in judge(...).failed

Each is broken in one way that happens to people, and names the rule that has to see it.  All are
trained or written for real on the base at hand; nothing here is a stand-in.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.ids import json_id
from models import adapters, qlora, recipes
from models.adapters import WEIGHTS
from models.backends.embedded import TransformersModel
from models.evaluation import Item

if TYPE_CHECKING:
    import torch

Row = Mapping[str, Any]
ROUNDS = 3
"""Of self-training: on the embedded base the third ends in few answers (docs/experiments.md)."""
LOOPS = 8
ENGLISH = (
    "I am sorry, but I do not know that.",
    "Please tell me more about your question.",
    "It is on the shelf near the door.",
    "The dog sleeps in the yard all day long.",
)

ALPACA = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{{ '### Response: ' }}"
    "{% generation %}{{ m['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ '### Instruction: ' + m['content'] + ' ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Response: ' }}{% endif %}"
)
"""Headings after tatsu-lab/stanford_alpaca, `train.py`."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What adapters are made from: a base, its person's training rows and test dialogues.

    `rows` are those of a training set, `{"messages", "weight", "role"}`; `folder` takes the
    adapters and what they were trained on.
    """

    base_path: Path
    base_id: str
    rows: Sequence[Row]
    test: Sequence[Item]
    recipe: recipes.Recipe
    folder: Path


@dataclass(frozen=True, slots=True)
class Made:
    """An adapter's folder, and the conversations it has learned from."""

    path: Path
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to go wrong, the rule of the gate that has to see it, and how it is made."""

    rule: str
    words: str
    make: Callable[[Ground, int], Made]


def make(kind: str, ground: Ground, *, seed: int) -> Made:
    """Return a bad adapter of a kind in `KINDS`; the same seed gives the same bytes."""
    return KINDS[kind].make(ground, seed)


def good(ground: Ground, seed: int, **changes: Any) -> Made:
    """Return an adapter as it should be: the training set as it is, by the ground's recipe."""
    return _trained(ground, ground.rows, seed, **changes)


def _zero_b(ground: Ground, seed: int) -> Made:
    return _rewritten(ground, good(ground, seed), lambda key, w: w * ("lora_B" not in key))


def _random_b(ground: Ground, seed: int) -> Made:
    import torch

    drawn = torch.Generator().manual_seed(seed)

    def change(key: str, weight: torch.Tensor) -> torch.Tensor:
        if "lora_B" not in key:
            return weight
        noise = torch.randn(weight.shape, generator=drawn)
        return noise * (weight.norm() / noise.norm())

    return _rewritten(ground, good(ground, seed), change)


def _shuffled(ground: Ground, seed: int) -> Made:
    """Replies change places among the person's own dialogues; replay stays as it is."""
    own = [row for row in ground.rows if row["role"] == "new"]
    replies = [_answers(row) for row in own]
    random.Random(seed).shuffle(replies)
    given = {id(row): reply for row, reply in zip(own, replies, strict=True)}
    rows = [_answered(row, given.get(id(row), _answers(row))) for row in ground.rows]
    return _trained(ground, rows, seed)


def _wrong_language(ground: Ground, seed: int) -> Made:
    rng = random.Random(seed)
    return _trained(ground, [_answered(row, [rng.choice(ENGLISH)]) for row in ground.rows], seed)


def _loops(ground: Ground, seed: int) -> Made:
    rows = [_answered(row, [" ".join([a] * LOOPS) for a in _answers(row)]) for row in ground.rows]
    return _trained(ground, rows, seed)


def _collapsed(ground: Ground, seed: int) -> Made:
    """Every round learns what the round before answered, the commonest answers twice as often."""
    made = _self_trained(ground, None, seed)
    for number in range(1, ROUNDS):
        made = _self_trained(ground, made.path, seed + number)
    return made


def _self_trained(ground: Ground, adapter: Path | None, seed: int) -> Made:
    model = TransformersModel(ground.base_path, adapter)
    return _trained(ground, _by_itself(model, ground.rows, seed), seed)


def _by_itself(model: TransformersModel, rows: Sequence[Row], seed: int) -> list[Row]:
    prompts = [_prompt(row) for row in rows]
    said = model.generate(prompts, max_new_tokens=32, temperature=0.7, seed=seed)
    common: dict[str, int] = {}
    for answer in said:
        common[answer.text] = common.get(answer.text, 0) + 1
    best = sorted(common, key=lambda text: (-common[text], text))[: max(1, len(common) // 50)]
    rng = random.Random(seed)
    return [
        {**row, "weight": 1.0, "messages": [*prompt, _assistant(rng.choice(best))]}
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def _test_split(ground: Ground, seed: int) -> Made:
    seen: list[Row] = [
        {"messages": [dict(m) for m in item.messages], "weight": 6.0, "role": "new"}
        for item in ground.test
    ]
    return _trained(ground, [*ground.rows, *seen], seed)


def _wrong_template(ground: Ground, seed: int) -> Made:
    """The same base behind Alpaca's headings instead of its own chat template."""
    base = ground.folder / f"base-with-another-template-{seed}"
    if not base.exists():
        shutil.copytree(ground.base_path, base)
        _replace_template(base)
    return _trained(replace(ground, base_path=base), ground.rows, seed)


def _replace_template(base: Path) -> None:
    from models.chat import load_tokenizer

    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = ALPACA
    tokenizer.save_pretrained(base)


def _another_base(ground: Ground, seed: int) -> Made:
    from models.testing import tiny_base

    base = ground.folder / f"another-base-{seed}"
    if not base.exists():
        tiny_base(base, seed=seed)
    elsewhere = replace(ground, base_path=base, base_id=f"another-{seed}")
    return _trained(elsewhere, ground.rows[:200], seed)


def _over_trained(ground: Ground, seed: int) -> Made:
    """The person's dialogues alone, again and again, at twice the rate: all else is forgotten."""
    own = [{**row, "weight": 12.0} for row in ground.rows if row["role"] == "new"]
    return _trained(ground, own, seed, lr=2 * ground.recipe.optimizer.lr)


KINDS: Mapping[str, Kind] = {
    "zero_b": Kind("loaded", "B is all zeros: nothing changes", _zero_b),
    "random_b": Kind("improvement", "B is noise of the trained norm", _random_b),
    "shuffled_replies": Kind("relevance", "each reply stands under another question", _shuffled),
    "wrong_language": Kind("cyrillic", "replies in English", _wrong_language),
    "loops": Kind("repetition", "replies that say themselves over and over", _loops),
    "collapse": Kind("distinct_2", "trained on its own commonest answers, thrice", _collapsed),
    "test_split": Kind("contamination_held_out", "trained on the test dialogues", _test_split),
    "wrong_template": Kind("template", "trained with another chat template", _wrong_template),
    "another_base": Kind("base", "trained for another base", _another_base),
    "over_trained": Kind("anchor_exact", "trained long without replay", _over_trained),
}


def _trained(ground: Ground, rows: Iterable[Row], seed: int, *, lr: float = 0.0) -> Made:
    told = tuple(rows)
    recipe = ground.recipe.model_dump(mode="json") | {"seed": seed}
    if lr:
        recipe["optimizer"] = {**recipe["optimizer"], "lr": lr}
    text = "\n".join(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in told)
    ground.folder.mkdir(parents=True, exist_ok=True)
    path = ground.folder / f"rows-{json_id([text])}.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    request = qlora.TrainRequest(
        base_path=str(ground.base_path),
        base_id=ground.base_id,
        base_model="known-bad",
        recipe=recipe,
        rows_path=str(path),
        adapters_dir=str(ground.folder / "adapters"),
        training_set_id=path.stem,
    )
    return Made(Path(qlora.train(request, lambda _: None).path), told)


def _rewritten(
    ground: Ground, made: Made, change: Callable[[str, torch.Tensor], torch.Tensor]
) -> Made:
    """Return an adapter with other weights and a manifest that is true of them."""
    from safetensors.torch import load_file, save_file

    draft = ground.folder / f"draft-{made.path.name}"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(made.path, draft)
    weights = {k: change(k, w).contiguous() for k, w in load_file(draft / WEIGHTS).items()}
    save_file(weights, draft / WEIGHTS, metadata={"format": "pt"})
    adapter_id = adapters.id_of(draft)
    manifest = adapters.read_manifest(draft)
    files = adapters.digests(draft)
    adapters.write_manifest(draft, replace(manifest, adapter_id=adapter_id, files=files))
    return Made(adapters.publish(draft, ground.folder / "adapters", adapter_id), made.rows)


def _answers(row: Row) -> list[str]:
    return [m["content"] for m in row["messages"] if m["role"] == "assistant"]


def _answered(row: Row, answers: Sequence[str]) -> Row:
    """Return the row with other answers, the last one repeated where there are too few."""
    left = list(answers)
    messages = [
        _assistant(left.pop(0) if len(left) > 1 else left[0]) if m["role"] == "assistant" else m
        for m in row["messages"]
    ]
    return {**row, "messages": messages}


def _prompt(row: Row) -> list[dict[str, str]]:
    last = max(i for i, m in enumerate(row["messages"]) if m["role"] == "assistant")
    return [dict(m) for m in row["messages"][:last]]


def _assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}
