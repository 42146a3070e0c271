"""RMSprop."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from netpick.training.optimizers.base import Group, Method, Optimizer, by_dimensions, decay
from netpick.training.optimizers.sgd import Sgd
from netpick.types.recipe import Recipe


class RmsProp(Sgd):
    """Gradients divided by a running mean of their size (Tieleman & Hinton 2012), with momentum."""

    def new_state(self, weight: Tensor) -> list[Tensor]:
        return [torch.zeros_like(weight), torch.zeros_like(weight)]

    def update(self, group: Group, weights: list[Tensor], grads: list[Tensor], states: list[list[Tensor]]) -> None:
        decay(group, weights)
        velocities, squares = ([state[i] for state in states] for i in range(2))
        torch._foreach_mul_(squares, 0.99)
        torch._foreach_addcmul_(squares, grads, grads, value=0.01)
        sizes = list(torch._foreach_sqrt(squares))
        torch._foreach_add_(sizes, 1e-8)
        torch._foreach_mul_(velocities, self.momentum)
        torch._foreach_addcdiv_(velocities, grads, sizes)
        torch._foreach_add_(weights, velocities, alpha=-group.lr)


def _make(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    decays = recipe.weight_decay, 0.0
    return (RmsProp(by_dimensions(network), recipe.learning_rate, decays, momentum=recipe.momentum),)


RMSPROP = Method(make=_make, momentum=0.0)  # with momentum, a rate would move weights ten times as far as Adam's
