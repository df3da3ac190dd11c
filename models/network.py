"""The embedded base's network: Qwen3's shape in plain torch, one class a part.

Parameter names are those of Hugging Face's `Qwen3ForCausalLM`, so the state dict *is* the
checkpoint: heads of 32 with q/k norm, rotary positions, SwiGLU, tied embeddings.  Without q/k norm
it is `LlamaForCausalLM`, which a spec may ask for.  Training runs
here because a few million tokens in a few minutes leave no room for a general framework: norms,
rotation and loss have their gradients written out, which saves a sixth of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

if TYPE_CHECKING:
    from models.base import BaseSpec

HEAD_WIDTH = 32  # narrow heads with q/k norm are what makes copying appear early
ROPE_BASE = 10_000.0
NORM_EPSILON = 1e-6
IGNORED = -100  # a target that does not count
LOSS_ROWS = 256  # positions whose logits are held at a time: 1 MiB, which stays in the cache


class RMSNorm(nn.Module):
    """Root mean square normalisation with a learned scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension."""
        return rms_norm(x, self.weight)


class _RMSNorm(torch.autograd.Function):
    """`weight · x / rms(x)` with its gradient written out: half the memory traffic of autograd."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        scale = torch.rsqrt(
            torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_() / x.size(-1) + NORM_EPSILON
        )
        normal = x * scale
        ctx.save_for_backward(normal, scale, weight)
        return normal * weight

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        normal, scale, weight = ctx.saved_tensors
        along = gradient * normal
        of_weight = along.flatten(0, -2).sum(0)
        mean = (along @ weight).unsqueeze_(-1).div_(-normal.size(-1))
        return (gradient * weight).addcmul_(normal, mean).mul_(scale), of_weight


class Attention(nn.Module):
    """Causal self-attention, rotary positions, queries and keys normalised where `normed`."""

    def __init__(self, width: int, heads: int, *, normed: bool) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.q_norm = RMSNorm(width // heads) if normed else nn.Identity()
        self.k_norm = RMSNorm(width // heads) if normed else nn.Identity()

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """Map (rows, tokens, width) to the same shape."""
        rows, tokens, width = x.shape
        split = (rows, tokens, self.heads, width // self.heads)
        q = rotate(self.q_norm(self.q_proj(x).view(split)), rotary).transpose(1, 2)
        k = rotate(self.k_norm(self.k_proj(x).view(split)), rotary).transpose(1, 2)
        v = self.v_proj(x).view(split).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        attended: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(rows, tokens, width))
        return attended


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to the same shape."""
        mapped: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return mapped


class Layer(nn.Module):
    """Attention and feed-forward, each normalised before and added after."""

    def __init__(self, spec: BaseSpec) -> None:
        super().__init__()
        self.self_attn = Attention(spec.width, spec.heads, normed=spec.shape == "qwen3")
        self.mlp = FeedForward(spec.width, spec.inner)
        self.input_layernorm = RMSNorm(spec.width)
        self.post_attention_layernorm = RMSNorm(spec.width)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
        """Map (rows, tokens, width) to the same shape."""
        x = x + self.self_attn(self.input_layernorm(x), rotary)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    """Embeddings, layers and the last norm."""

    def __init__(self, spec: BaseSpec, vocabulary: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, spec.width)
        self.layers = nn.ModuleList(Layer(spec) for _ in range(spec.layers))
        self.norm = RMSNorm(spec.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids (rows, tokens) to hidden states (rows, tokens, width)."""
        x = self.embed_tokens(tokens)
        rotary = rotary_table(tokens.size(1))
        for layer in self.layers:
            x = layer(x, rotary)
        hidden: Tensor = self.norm(x)
        return hidden


class Network(nn.Module):
    """The whole network; logits come from the embeddings themselves (tied)."""

    def __init__(self, spec: BaseSpec, vocabulary: int) -> None:
        super().__init__()
        self.model = Body(spec, vocabulary)
        self.apply(_initialise)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids (rows, tokens) to logits (rows, tokens, vocabulary)."""
        return F.linear(self.model(tokens), self.model.embed_tokens.weight)

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy in nats; targets of `IGNORED` do not count."""
        hidden = self.model(tokens).flatten(0, 1)
        counted = targets.flatten() != IGNORED
        return cross_entropy(
            hidden[counted], self.model.embed_tokens.weight, targets.flatten()[counted]
        )


class _CrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of tied logits, some rows at a time, the gradient made on the way."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, embeddings: Tensor, targets: Tensor) -> Tensor:
        total = hidden.new_zeros(())
        of_hidden = torch.empty_like(hidden)
        of_embeddings = torch.zeros_like(embeddings)
        for first in range(0, len(hidden), LOSS_ROWS):
            rows = hidden[first : first + LOSS_ROWS]
            wanted = targets[first : first + LOSS_ROWS, None]
            logits = rows @ embeddings.T
            logits -= logits.amax(-1, keepdim=True)
            total -= logits.gather(-1, wanted).sum()
            sums = logits.exp_().sum(-1, keepdim=True)
            total += sums.log().sum()
            logits /= sums
            logits.scatter_add_(-1, wanted, logits.new_full(wanted.shape, -1.0))
            torch.mm(logits, embeddings, out=of_hidden[first : first + LOSS_ROWS])
            of_embeddings.addmm_(logits.T, rows)
        ctx.save_for_backward(of_hidden.div_(len(hidden)), of_embeddings.div_(len(hidden)))
        return total / len(hidden)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        of_hidden, of_embeddings = ctx.saved_tensors
        return of_hidden.mul_(gradient), of_embeddings.mul_(gradient), None


def rotary_table(tokens: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, each (tokens, 1, HEAD_WIDTH / 2)."""
    frequencies = ROPE_BASE ** (-torch.arange(0, HEAD_WIDTH, 2).float() / HEAD_WIDTH)
    angles = torch.outer(torch.arange(tokens).float(), frequencies).unsqueeze(1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each half-pair of (rows, tokens, heads, HEAD_WIDTH) by its position's angle."""
    return rotation(x, *rotary)


class _Rotation(torch.autograd.Function):
    """Rotation of half-pairs; its gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        ctx.save_for_backward(cosines, sines)
        return _turned(x, cosines, sines)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cosines, sines = ctx.saved_tensors
        return _turned(gradient, cosines, -sines), None, None


def _turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    turned = torch.empty_like(x)
    (first, second), (out_first, out_second) = x.chunk(2, -1), turned.chunk(2, -1)
    torch.mul(first, cosines, out=out_first).addcmul_(second, sines, value=-1)
    torch.mul(second, cosines, out=out_second).addcmul_(first, sines)
    return turned


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 1 / math.sqrt(module.in_features))
    elif isinstance(module, Attention):
        nn.init.zeros_(module.o_proj.weight)
    elif isinstance(module, FeedForward):
        nn.init.zeros_(module.down_proj.weight)


rms_norm: Callable[[Tensor, Tensor], Tensor] = _RMSNorm.apply
cross_entropy: Callable[[Tensor, Tensor, Tensor], Tensor] = _CrossEntropy.apply
rotation: Callable[[Tensor, Tensor, Tensor], Tensor] = _Rotation.apply
