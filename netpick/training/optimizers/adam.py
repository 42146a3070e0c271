"""Adam, and Adam with a decoupled decay."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netpick.training.optimizers.base import Group, Method, Optimizer, by_dimensions
from netpick.types.recipe import Recipe


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015); with a decay it is AdamW (Loshchilov & Hutter 2019)."""

    def new_state(self, weight: Tensor) -> list[Tensor]:
        return [torch.zeros_like(weight), torch.zeros_like(weight), torch.zeros((), device=weight.device)]

    def update(self, group: Group, weights: list[Tensor], grads: list[Tensor], states: list[list[Tensor]]) -> None:
        means, squares, steps = ([state[i] for state in states] for i in range(3))
        torch._foreach_add_(steps, 1.0)
        torch._fused_adamw_(
            weights,
            grads,
            means,
            squares,
            [],
            steps,
            lr=group.lr,
            beta1=0.9,
            beta2=0.999,
            weight_decay=group.weight_decay,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


def _make(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (Adam(by_dimensions(network), recipe.learning_rate, (recipe.weight_decay, 0.0)),)


ADAM, ADAMW = Method(make=_make), Method(make=_make, decays=True)
