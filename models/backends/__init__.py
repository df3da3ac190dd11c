"""`ChatModel`: something that answers conversations, wherever its weights are.

    embedded   a base, with or without an adapter, in this process, on a CPU or one GPU
    vllm       the same on vLLM's offline engine, which batches by itself; needs a GPU
    openai     any server that speaks the chat completions API

All answer in the order they were asked, and say what each answer took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Conversations = Sequence[Sequence[Mapping[str, str]]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer; `finish` is `stop` where the model ended its turn, `length` where it did not.

    `seconds` is its share, by tokens, of the time that its batch took.
    """

    text: str
    finish: str
    tokens: int
    seconds: float = field(default=0.0, compare=False)


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
