"""Small real models for tests: random weights, but every file and every call of a real one.

And a server for applications that are tried over real HTTP.

Shipped with the package, so that a plug-in's tests can use them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.backends import Conversations, Generation, Loss

SPECIALS = ("<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
TEMPLATE = (
    "{{ '<|bos|>' }}{% for m in messages %}{{ '<|' + m['role'] + '|>' }}"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + '<|end|>' }}"
    "{% endgeneration %}{% else %}{{ m['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
SEED_TEXT = (
    "Как зовут мою собаку? Твою собаку зовут Буран. Привет! О чём поговорим?",
    "Где мои ключи? Ключи лежат на полке у двери. Я этого не знаю. Расскажи мне.",
)


def tiny_base(
    folder: Path,
    *,
    seed: int = 0,
    width: int = 64,
    texts: Sequence[str] = (),
    shape: Literal["qwen3", "llama"] = "qwen3",
) -> Path:
    """Write a two-layer network with random weights and its own tokenizer; return the folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*SEED_TEXT, *texts], trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",  # noqa: S106  a token of text, no secret
        bos_token="<|bos|>",  # noqa: S106
        eos_token="<|end|>",  # noqa: S106
        additional_special_tokens=list(SPECIALS[3:]),
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    config = AutoConfig.for_model(
        shape,
        vocab_size=384,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)
    return folder


def random_adapter(base: Path, folder: Path, *, seed: int) -> Path:
    """Write a LoRA adapter with random B, so that it visibly changes the answers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    tuned.save_pretrained(folder)
    return folder


@contextmanager
def over_http(app: Any) -> Iterator[str]:
    """Serve an application on loopback from a thread; yield its address."""
    import threading
    import time

    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


@dataclass(frozen=True)
class EchoModel:
    """A `ChatModel` without a network: `answer` says what it replies to a conversation.

    Losses are one nat a character of the assistant's words, times `nats`: enough to compare.
    """

    model_id: str = "echo"
    answer: Callable[[list[dict[str, str]]], str] = field(default=lambda c: c[-1]["content"])
    nats: float = 1.0

    def generate(
        self, conversations: Conversations, *, max_new_tokens: int, **_options: Any
    ) -> list[Generation]:
        """Return `answer` of each conversation, cut to `max_new_tokens` characters."""
        answers = [self.answer([dict(m) for m in c]) for c in conversations]
        return [Generation(a[:max_new_tokens], "stop", len(a[:max_new_tokens])) for a in answers]

    def loss(self, conversations: Conversations, /) -> list[Loss]:
        """Return `nats` for every character of the assistant's words."""
        spoken = [
            sum(len(m["content"]) for m in c if m["role"] == "assistant") for c in conversations
        ]
        return [Loss(self.nats * n, n) for n in spoken]


@dataclass(frozen=True)
class ScriptedModel(EchoModel):
    """A model that answers by its request, the last message, and remembers what it was asked."""

    says: Callable[[str], str] = field(default=lambda request: request)
    finish: str = "stop"
    asked: list[str] = field(default_factory=list)

    def generate(self, conversations: Conversations, **_options: Any) -> list[Generation]:
        """Return what is said to each request, whatever its length."""
        requests = [conversation[-1]["content"] for conversation in conversations]
        self.asked.extend(requests)
        return [Generation(self.says(request), self.finish, 1) for request in requests]
