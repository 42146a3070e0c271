"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from netpick.training.optimizers.base import Group, Method, Optimizer, by_dimensions, decay
from netpick.types.recipe import Recipe


class Sgd(Optimizer):
    """Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013)."""

    def __init__(
        self, groups: Sequence[Sequence[Tensor]], lr: float, weight_decays: Sequence[float], *, momentum: float
    ) -> None:
        super().__init__(groups, lr, weight_decays)
        self.momentum = momentum

    def new_state(self, weight: Tensor) -> list[Tensor]:
        return [torch.zeros_like(weight)]

    def update(self, group: Group, weights: list[Tensor], grads: list[Tensor], states: list[list[Tensor]]) -> None:
        decay(group, weights)
        if self.momentum > 0:
            velocities = [state[0] for state in states]
            torch._foreach_mul_(velocities, self.momentum)
            torch._foreach_add_(velocities, grads)
            grads = list(torch._foreach_add(grads, velocities, alpha=self.momentum))
        torch._foreach_add_(weights, grads, alpha=-group.lr)


def _make(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    decays = recipe.weight_decay, 0.0
    return (Sgd(by_dimensions(network), recipe.learning_rate, decays, momentum=recipe.momentum),)


SGD = Method(make=_make, rate_factor=50.0)
