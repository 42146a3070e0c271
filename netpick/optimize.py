"""Optimizers and learning-rate schedules, from the recipe's names to torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from netpick.recipe import Recipe


class Muon(Optimizer):
    """Momentum whose update of each matrix is orthogonalised by Newton-Schulz (Jordan et al. 2024).

    For weights of two or more dimensions (a convolution counts as a matrix of out x rest); weight decay is decoupled.
    """

    def __init__(self, params: Iterable[Tensor], *, lr: float, momentum: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(momentum, group["momentum"])  # Nesterov
                matrix = orthogonalise(update.reshape(len(update), -1))
                scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(matrix.reshape(weight.shape), alpha=-group["lr"] * scale)


def orthogonalise(matrix: Tensor, iterations: int = 5) -> Tensor:
    """The nearest matrix with singular values near 1, by a quintic Newton-Schulz iteration (Jordan et al. 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.T if tall else x
    return result


def make_optimizers(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    """Optimizers over all trainable weights; biases, norms and other vectors get no weight decay."""
    weights = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    matrices = [p for _, p in weights if p.ndim >= 2]
    vectors = [p for _, p in weights if p.ndim < 2]
    fused = all(p.device.type in ("cpu", "cuda") and p.dtype == torch.float32 for _, p in weights)
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = recipe.learning_rate
    if recipe.optimizer == "adamw":
        return (torch.optim.AdamW(groups, lr=rate, fused=fused),)
    if recipe.optimizer == "adam":
        return (torch.optim.Adam(groups, lr=rate, fused=fused),)
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return (torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=nesterov, fused=fused),)
    if recipe.optimizer == "rmsprop":
        return (torch.optim.RMSprop(groups, lr=rate, momentum=recipe.momentum),)
    return _muon(network, recipe, fused)


def _muon(network: nn.Module, recipe: Recipe, fused: bool) -> tuple[Optimizer, ...]:
    """Muon for hidden matrices; embeddings, the head and vectors go to AdamW at a tenth of the rate."""
    plain = {id(p) for m in network.modules() if isinstance(m, nn.Embedding) for p in m.parameters(recurse=False)}
    plain |= {id(p) for name, p in network.named_parameters() if name.startswith("head.")}
    weights = [p for p in network.parameters() if p.requires_grad]
    hidden = [p for p in weights if p.ndim >= 2 and id(p) not in plain]
    others = [p for p in weights if p.ndim < 2 or id(p) in plain]
    made: list[Optimizer] = []
    if hidden:
        made.append(Muon(hidden, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay))
    if others:
        made.append(torch.optim.AdamW(others, lr=recipe.learning_rate * 0.1, weight_decay=0.0, fused=fused))
    return tuple(made)


def rate_multiplier(recipe: Recipe, step: int, steps: int) -> float:
    """What the learning rate is multiplied with before step `step` of `steps` (plateau: apart from its own cuts).

    onecycle: Smith 2018; cosine: Loshchilov & Hutter 2017; step: a tenth after 60 % and after 85 % of the steps.
    """
    progress = (step + 1) / max(steps, 1)
    if recipe.warmup > 0 and progress < recipe.warmup:
        share = progress / recipe.warmup
        if recipe.schedule == "onecycle":
            return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * share))
        return share
    after = (progress - recipe.warmup) / max(1 - recipe.warmup, 1e-9)
    if recipe.schedule in ("onecycle", "cosine"):
        floor = 1e-4 if recipe.schedule == "onecycle" else 0.0
        return max(floor, 0.5 * (1 + math.cos(math.pi * after)))
    if recipe.schedule == "step":
        return 1.0 if progress <= 0.6 else 0.1 if progress <= 0.85 else 0.01
    return 1.0


class Average:
    """A moving average of weights and buffers (Polyak & Juditsky 1992), warmed up so that early steps do not linger."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.count = 0
        self.live = [t for t in network.state_dict(keep_vars=True).values() if t.dtype.is_floating_point]
        self.mean = [t.detach().clone() for t in self.live]

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights after a step."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        torch._foreach_lerp_(self.mean, [t.detach() for t in self.live], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the live weights with the average; calling it again exchanges them back."""
        for live, mean in zip(self.live, self.mean, strict=True):
            held = live.detach().clone()
            live.detach().copy_(mean)
            mean.copy_(held)
