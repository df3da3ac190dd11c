"""How well a model answers unseen primer dialogues, skill by skill.

An answer is exact when greedy decoding would give it token for token.  That is so if and only
if every token of it is the likeliest one after the true tokens before it, so one forward pass
over the true dialogue tells, without generating: 500 dialogues take seconds on one core.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from models.primer import PrimerDialogue

SEED = 2026  # the held-out dialogues that reports are about
BATCH = 32  # dialogues a forward pass
GROUPS = {
    "memory": ("memory",),
    "unknown": ("memory_unknown", "ignorance"),
    "tool": ("tool_call", "tool_answer", "tool_absent"),
    "revision": ("revision", "retry"),
    "role_play": ("instruction", "solution", "task_done"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A determined answer: the label it counts under, and its tokens [start, end)."""

    label: str
    start: int
    end: int


def score_primer(
    model_path: Path,
    adapter_path: Path | None = None,
    *,
    n: int = 500,
    seed: int = SEED,
    but: Callable[[PrimerDialogue], bool] | None = None,
) -> dict[str, Any]:
    """Return the shares of exact greedy answers to `n` unseen primer dialogues.

    Keys: `overall`, `dialogues` (all answers of a dialogue exact), `skills` (name → n, exact),
    and the groups `memory` (facts with never-seen words), `unknown`, `tool`, `revision` and
    `role_play`.  `but` names dialogues to leave out: what a person has outdated since, say.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(model_path))
    model = AutoModelForCausalLM.from_pretrained(str(model_path), dtype="float32").eval()
    if adapter_path is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter_path)).eval()
    return score_model(model, tokenizer, n=n, seed=seed, but=but)


def score_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    n: int = 500,
    seed: int = SEED,
    but: Callable[[PrimerDialogue], bool] | None = None,
) -> dict[str, Any]:
    """Return `score_primer`'s report for a loaded model."""
    from models.primer import dialogues

    scored = [d for d in dialogues(seed, n, "held_out") if d.scored and not (but and but(d))]
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    whole = 0
    for labels, hits in _judged(model, tokenizer, scored):
        whole += all(hits)
        for label, hit in zip(labels, hits, strict=True):
            counts[label][0] += 1
            counts[label][1] += hit
    return _report(counts, whole / max(1, len(scored)))


def tokens_and_answers(
    tokenizer: PreTrainedTokenizerBase, dialogue: PrimerDialogue
) -> tuple[list[int], list[Answer]]:
    """Return a dialogue's tokens and where its determined answers stand in them.

    An answer ends with the token that ends the message: stopping is part of it.
    """
    tokens = _rendered(tokenizer, dialogue.messages)
    answers = []
    for position, label in zip(dialogue.scored, dialogue.labels, strict=True):
        before = _rendered(tokenizer, dialogue.messages[:position], prompt=True)
        after = _rendered(tokenizer, dialogue.messages[: position + 1])
        answers.append(Answer(label, len(before), len(after)))
    return tokens, answers


def _rendered(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[dict[str, str]], *, prompt: bool = False
) -> list[int]:
    text = tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=prompt
    )
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _judged(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, scored: Sequence[PrimerDialogue]
) -> Iterator[tuple[list[str], list[bool]]]:
    items = sorted((tokens_and_answers(tokenizer, d) for d in scored), key=lambda x: len(x[0]))
    for first in range(0, len(items), BATCH):
        batch = items[first : first + BATCH]
        for (tokens, answers), likeliest in zip(
            batch, _likeliest(model, [tokens for tokens, _ in batch]), strict=True
        ):
            hits = [tokens[a.start : a.end] == likeliest[a.start - 1 : a.end - 1] for a in answers]
            yield [a.label for a in answers], hits


def _likeliest(model: PreTrainedModel, rows: Sequence[list[int]]) -> list[list[int]]:
    """Return, for each position of each row, the likeliest next token."""
    import torch

    longest = max(map(len, rows))
    padded = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    device = next(model.parameters()).device
    with torch.inference_mode():
        logits = model(input_ids=padded.to(device), attention_mask=mask.to(device)).logits
    best: list[list[int]] = logits.argmax(-1).tolist()
    return best


def _report(counts: dict[str, list[int]], dialogues: float) -> dict[str, Any]:
    def share(labels: Sequence[str]) -> float:
        n = sum(counts[label][0] for label in labels if label in counts)
        return sum(counts[label][1] for label in labels if label in counts) / max(1, n)

    skills = {label: {"n": n, "exact": hit / n} for label, (n, hit) in sorted(counts.items())}
    return {
        "overall": share(tuple(counts)),
        "dialogues": dialogues,
        **{group: share(labels) for group, labels in GROUPS.items()},
        "skills": skills,
    }
