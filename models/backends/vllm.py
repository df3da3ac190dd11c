"""vLLM's offline engine: the same conversations, batched and paged by the engine on a GPU.

vLLM takes plain LoRA adapters of its own list of ranks; `models.adapters` publishes those.  The
engine is made at first use, since it takes the whole device.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.errors import BackendUnavailable
from models import adapters
from models.backends import Conversations, Generation, Loss, Progress
from models.chat import IGNORED, encode, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from vllm import LLM, RequestOutput

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks that vLLM 0.32 can be started for (`--max-lora-rank`)."""


@dataclass(frozen=True)
class VllmModel:
    """A base, with or without an adapter, on vLLM; `options` go to `vllm.LLM` as they are."""

    base_path: Path
    adapter_path: Path | None = None
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model_id(self) -> str:
        """Return the name under which scores of this model are kept."""
        if self.name or self.adapter_path is None:
            return self.name or self.base_path.name
        return adapters.read_manifest(self.adapter_path).adapter_id

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Return the base's tokenizer."""
        return load_tokenizer(self.base_path)

    @cached_property
    def engine(self) -> LLM:
        """Return the engine; `BackendUnavailable` where vLLM or a GPU is missing."""
        try:
            from vllm import LLM
        except ImportError as error:
            raise BackendUnavailable(
                "vLLM is not installed here.", hint="pip install 'steppe[gpu]', on a CUDA machine"
            ) from error
        lora = {"enable_lora": True, "max_lora_rank": self._rank()} if self.adapter_path else {}
        return LLM(model=str(self.base_path), seed=0, **lora, **dict(self.options))

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
        """Return the assistant's next turns; each conversation draws from a seed of its own."""
        from vllm import SamplingParams

        started = time.monotonic()
        wanted = [
            SamplingParams(
                max_tokens=max_new_tokens, temperature=temperature, top_p=top_p, seed=seed + n
            )
            for n in range(len(conversations))
        ]
        said = self.engine.chat(
            [[dict(m) for m in c] for c in conversations],
            wanted,
            lora_request=self._lora(),
            use_tqdm=False,
        )
        tokens = sum(len(s.outputs[0].token_ids) for s in said)
        each = (time.monotonic() - started) / max(1, tokens)
        if progress:
            progress(len(said), len(said))
        return [_generation(s, each) for s in said]

    def loss(self, conversations: Conversations, /) -> list[Loss]:
        """Return each conversation's loss over the assistant's words and end tokens."""
        from vllm import SamplingParams, TokensPrompt

        rows = [encode(self.tokenizer, c) for c in conversations]
        asked = [TokensPrompt(prompt_token_ids=list(r.tokens)) for r in rows]
        told = self.engine.generate(
            asked,
            SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0),
            lora_request=self._lora(),
            use_tqdm=False,
        )
        return [
            _loss(output.prompt_logprobs or [], row.labels())
            for output, row in zip(told, rows, strict=True)
        ]

    def _lora(self) -> Any:
        if self.adapter_path is None:
            return None
        from vllm.lora.request import LoRARequest

        return LoRARequest(self.model_id, 1, str(self.adapter_path))

    def _rank(self) -> int:
        if self.adapter_path is None:
            return RANKS[0]
        config = json.loads((self.adapter_path / adapters.CONFIG).read_text(encoding="utf-8"))
        rank = int(config.get("r", 0))
        fitting = [allowed for allowed in RANKS if allowed >= rank]
        reason = adapters.why_not_served(self.adapter_path)
        if reason or not fitting:
            raise BackendUnavailable(
                f"vLLM cannot serve `{self.adapter_path.name}`: {reason or f'its rank is {rank}'}.",
                hint=f"it takes plain LoRA up to rank {RANKS[-1]}; use the embedded backend",
            )
        return fitting[0]


def _generation(said: RequestOutput, seconds_a_token: float) -> Generation:
    best = said.outputs[0]
    used = len(best.token_ids)
    finish = "stop" if best.finish_reason == "stop" else "length"
    return Generation(best.text, finish, used, seconds_a_token * used)


def _loss(logprobs: Sequence[Mapping[int, Any] | None], labels: Sequence[int]) -> Loss:
    """Return the loss of the labelled tokens; the first token of a prompt has no likelihood."""
    told = [
        told[label].logprob
        for told, label in zip(logprobs, labels, strict=True)
        if told is not None and label != IGNORED
    ]
    return Loss(-float(sum(told)), len(told))
