"""Lion (Chen et al. 2023): the sign of a running mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netpick.training.optimizers.base import Group, Method, Optimizer, by_dimensions, decay
from netpick.types.recipe import Recipe


class Lion(Optimizer):
    """Every weight moves by the rate."""

    def new_state(self, weight: Tensor) -> list[Tensor]:
        return [torch.zeros_like(weight)]

    def update(self, group: Group, weights: list[Tensor], grads: list[Tensor], states: list[list[Tensor]]) -> None:
        decay(group, weights)
        for weight, grad, (mean,) in zip(weights, grads, states, strict=True):
            weight.sub_(mean.lerp(grad, 0.1).sign(), alpha=group.lr)
            mean.lerp_(grad, 0.01)


def _make(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (Lion(by_dimensions(network), recipe.learning_rate, (recipe.weight_decay, 0.0)),)


LION = Method(make=_make, rate_factor=0.3, decays=True)
