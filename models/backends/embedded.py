"""A base in Hugging Face format, with or without a peft adapter, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import adapters
from models.backends import Conversations, Generation, Loss, Progress
from models.chat import (
    IGNORED,
    Conversation,
    Encoded,
    encode,
    load_tokenizer,
    pad,
    prompt_tokens,
    template_id,
)

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = 32
"""Conversations a batch: at batch 16 a CPU gives 6 times the tokens of batch 1 (train.md §5)."""


class TransformersModel:
    """A base in Hugging Face format, with or without a peft adapter, in this process."""

    def __init__(
        self, base_path: Path, adapter_path: Path | None = None, *, model_id: str = ""
    ) -> None:
        self.base_path = base_path
        self.adapter_path = adapter_path
        self.model_id = model_id or self._default_id()

    def _default_id(self) -> str:
        if self.adapter_path is None:
            return self.base_path.name
        return adapters.read_manifest(self.adapter_path).adapter_id

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Return the base's tokenizer."""
        return load_tokenizer(self.base_path)

    @cached_property
    def template_id(self) -> str:
        """Return the id of the chat template in use."""
        return template_id(self.tokenizer)

    @cached_property
    def network(self) -> PreTrainedModel:
        """Return the network, loaded at first use, in evaluation mode."""
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        gpu = torch.cuda.is_available()
        base: Any = AutoModelForCausalLM.from_pretrained(
            str(self.base_path),
            dtype=torch.bfloat16 if gpu else torch.float32,
            device_map={"": "cuda:0" if gpu else "cpu"},
            attn_implementation="sdpa",
        )
        if self.adapter_path is not None:
            from peft import PeftModel

            base = PeftModel.from_pretrained(base, str(self.adapter_path))
        network: PreTrainedModel = base.eval()
        return network

    def generate(
        self,
        conversations: Conversations,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[Generation]:
        import torch

        torch.manual_seed(seed)
        prompts = [prompt_tokens(self.tokenizer, c) for c in conversations]
        sampling: dict[str, Any] = {"do_sample": temperature > 0}
        if temperature > 0:
            sampling |= {"temperature": temperature, "top_p": top_p}
        answers: dict[int, Generation] = {}
        for batch in _by_length(prompts):
            rows = self._answer([prompts[i] for i in batch], max_new_tokens, sampling)
            answers.update(zip(batch, rows, strict=True))
            if progress:
                progress(len(answers), len(prompts))
        return [answers[i] for i in range(len(prompts))]

    def _answer(
        self, prompts: list[list[int]], max_new_tokens: int, sampling: Mapping[str, Any]
    ) -> list[Generation]:
        import torch

        device, started = self.network.device, time.monotonic()
        tokens = torch.tensor(pad(prompts, value=self._pad_id, left=True), device=device)
        seen = torch.tensor(pad([[1] * len(p) for p in prompts], value=0, left=True), device=device)
        with torch.inference_mode():
            out = self.network.generate(
                input_ids=tokens,
                attention_mask=seen,
                max_new_tokens=max_new_tokens,
                eos_token_id=self.tokenizer.eos_token_id,
                pad_token_id=self._pad_id,
                **sampling,
            )
        said = [self._read(row) for row in out[:, tokens.shape[1] :].tolist()]
        each = (time.monotonic() - started) / max(1, sum(s.tokens for s in said))
        return [replace(s, seconds=each * s.tokens) for s in said]

    @property
    def _pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id)

    def _read(self, row: list[int]) -> Generation:
        end = self.tokenizer.eos_token_id
        stopped = end in row
        spoken = row[: row.index(end)] if stopped else row
        text = self.tokenizer.decode(spoken, skip_special_tokens=True)
        return Generation(text, "stop" if stopped else "length", len(spoken) + stopped)

    def loss(self, conversations: Conversations) -> list[Loss]:
        encoded = [encode(self.tokenizer, c) for c in conversations]
        losses: dict[int, Loss] = {}
        for batch in _by_length([e.tokens for e in encoded]):
            rows = self._losses([encoded[i] for i in batch])
            losses.update(zip(batch, rows, strict=True))
        return [losses[i] for i in range(len(encoded))]

    def _losses(self, rows: list[Encoded]) -> list[Loss]:
        import torch
        from torch.nn.functional import cross_entropy

        device = self.network.device
        tokens = pad([r.tokens for r in rows], value=self._pad_id, left=False)
        seen = pad([[1] * len(r.tokens) for r in rows], value=0, left=False)
        labels = torch.tensor(pad([r.labels() for r in rows], value=IGNORED, left=False))[:, 1:]
        with torch.inference_mode():
            logits = self.network(
                input_ids=torch.tensor(tokens, device=device),
                attention_mask=torch.tensor(seen, device=device),
            ).logits[:, :-1]
            nats = cross_entropy(
                logits.float().transpose(1, 2),
                labels.to(device),
                reduction="none",
                ignore_index=IGNORED,
            ).sum(dim=1)
        learned = (labels != IGNORED).sum(dim=1).tolist()
        return [Loss(float(s), int(n)) for s, n in zip(nats.tolist(), learned, strict=True)]

    def next_logits(self, conversations: Conversations, *, adapted: bool = True) -> torch.Tensor:
        """Return the logits of each answer's first token, shape [conversations, vocabulary].

        `adapted=False` switches the adapter off, so that both come from the same weights.
        """
        import contextlib

        import torch

        switch = contextlib.nullcontext() if adapted else self.network.disable_adapter()
        rows = [prompt_tokens(self.tokenizer, c) for c in conversations]
        with torch.inference_mode(), switch:
            each = [
                self.network(input_ids=torch.tensor([r], device=self.network.device)).logits[0, -1]
                for r in rows
            ]
        return torch.stack(each).float().cpu()

    def first_token(self, conversation: Conversation, most: int) -> list[tuple[str, float]]:
        """Return the likeliest first tokens of an answer with their log-probabilities in nats."""
        (logits,) = self.next_logits([conversation])
        values, tokens = logits.log_softmax(-1).topk(most)
        said = (self.tokenizer.decode([int(token)]) for token in tokens)
        return list(zip(said, map(float, values), strict=True))


def _by_length(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield batches of indexes, rows of like length together: less padding, same answers."""
    ordered = sorted(range(len(rows)), key=lambda i: (len(rows[i]), i))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
