"""`ChatModel`: something that answers conversations, wherever its weights are.

`TransformersModel` runs a base, with or without an adapter, in this process; `OpenAIModel` asks
any server that speaks the chat completions API.  Both answer in the order they were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lake.errors import BackendUnavailable
from models import adapters
from models.chat import IGNORED, Encoded, encode, load_tokenizer, pad, prompt_tokens, template_id

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Conversations = Sequence[Sequence[Mapping[str, str]]]
Progress = Callable[[int, int], None]
BATCH = 32
"""Conversations a batch: at batch 16 a CPU gives 6 times the tokens of batch 1 (train.md §5)."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer; `finish` is `stop` where the model ended its turn, `length` where it did not."""

    text: str
    finish: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Loss:
    """The negative log-likelihood of a dialogue's assistant words: sum in nats, and tokens."""

    sum_nats: float
    tokens: int


class ChatModel(Protocol):
    """What answers conversations."""

    @property
    def model_id(self) -> str:
        """Return the name under which scores of this model are kept."""

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
        """Return the assistant's next turn in each conversation.

        Temperature 0 is greedy; above it the answers are drawn by `seed`, the same for the same
        conversations.  `progress` gets (done, total) after every batch.
        """

    def loss(self, conversations: Conversations, /) -> list[Loss]:
        """Return each conversation's loss over the assistant's words and end tokens."""


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

        device = self.network.device
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
        return [self._read(row) for row in out[:, tokens.shape[1] :].tolist()]

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


def _by_length(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield batches of indexes, rows of like length together: less padding, same answers."""
    ordered = sorted(range(len(rows)), key=lambda i: (len(rows[i]), i))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


@dataclass(frozen=True)
class OpenAIModel:
    """Any server with `POST <url>/v1/chat/completions`; it generates, losses it cannot tell."""

    url: str
    model: str
    api_key: str = ""
    timeout_seconds: float = 120.0

    @property
    def model_id(self) -> str:
        """Return the served model's name."""
        return self.model

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
        options = {"temperature": temperature, "top_p": top_p, "seed": seed}
        answers: list[Generation] = []
        for done, conversation in enumerate(conversations, start=1):
            body = {"messages": [dict(m) for m in conversation], "max_tokens": max_new_tokens}
            answers.append(self._ask({**body, **options, "model": self.model}))
            if progress:
                progress(done, len(conversations))
        return answers

    def _ask(self, body: Mapping[str, Any]) -> Generation:
        import httpx

        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        address = f"{self.url.rstrip('/')}/v1/chat/completions"
        try:
            reply = httpx.post(address, json=body, headers=headers, timeout=self.timeout_seconds)
            reply.raise_for_status()
            choice = reply.json()["choices"][0]
            used = int(reply.json().get("usage", {}).get("completion_tokens", 0))
            return Generation(choice["message"]["content"], choice["finish_reason"], used)
        except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
            raise BackendUnavailable(
                f"`{self.model}` at {address} did not answer: {error}.",
                hint="is the server up?  `steppe ui` starts it, `steppe doctor` looks at it",
            ) from error

    def loss(self, _conversations: Conversations, /) -> list[Loss]:
        """Raise `BackendUnavailable`: a chat API gives no likelihood of given words."""
        raise BackendUnavailable(
            f"`{self.model}` is behind a chat API, which tells no losses.",
            hint="evaluate with the weights at hand: `TransformersModel`",
        )
