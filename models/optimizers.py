"""Two optimizers over one flat buffer of parameters: Muon for matrices, AdamW for the rest.

Each worker owns a part of the parameters and alone updates it, so the work of the optimizer is
shared like that of the gradients.  Same-shaped matrices are orthogonalised in one batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

# Quintic Newton-Schulz coefficients of Muon: Jordan 2024, kellerjordan.github.io/posts/muon.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
MOMENTUM = 0.95
WEIGHT_DECAY = 0.01
BETAS = (0.9, 0.95)
EPSILON = 1e-8
LARGEST_NORM = 1.0  # of the gradient that AdamW sees


class Muon:
    """Momentum, orthogonalised: every update of a matrix has singular values near 1."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.groups: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
        for parameter in parameters:
            self.groups[tuple(parameter.shape)].append(parameter)
        self.momenta = {shape: torch.zeros(len(g), *shape) for shape, g in self.groups.items()}

    @torch.no_grad()
    def step(self, gradients: dict[Tensor, Tensor], lr: float) -> None:
        """Update the matrices from their gradients."""
        for shape, group in self.groups.items():
            gradient = torch.stack([gradients[p] for p in group])
            momentum = self.momenta[shape]
            momentum.lerp_(gradient, 1 - MOMENTUM)
            update = orthogonal(gradient.lerp(momentum, MOMENTUM))
            scale = max(1.0, shape[0] / shape[1]) ** 0.5
            for parameter, change in zip(group, update, strict=True):
                parameter.mul_(1 - lr * WEIGHT_DECAY).add_(change, alpha=-lr * scale)


class AdamW:
    """Adam with bias correction, the gradient clipped to `LARGEST_NORM`; no weight decay."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(p) for p in self.parameters]
        self.squares = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: dict[Tensor, Tensor], lr: float) -> None:
        """Update the parameters from their gradients."""
        self.steps += 1
        own = [gradients[p] for p in self.parameters]
        norm = torch.stack([g.norm() for g in own]).norm()
        shrink = float((LARGEST_NORM / (norm + EPSILON)).clamp(max=1.0))
        first, second = (1 - beta**self.steps for beta in BETAS)
        for p, g, mean, square in zip(self.parameters, own, self.means, self.squares, strict=True):
            g = g * shrink  # noqa: PLW2901 - the clipped gradient is the gradient
            mean.lerp_(g, 1 - BETAS[0])
            square.lerp_(g * g, 1 - BETAS[1])
            p.addcdiv_(mean, (square / second).sqrt_().add_(EPSILON), value=-lr / first)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return the nearest semi-orthogonal matrices of a batch, roughly: singular values near 1."""
    a, b, c = NEWTON_SCHULZ
    is_tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + EPSILON)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if is_tall else x
