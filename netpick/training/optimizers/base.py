"""What an optimizer is: groups of weights that a step moves by their gradients, and what a recipe takes from the one it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from netpick.types.recipe import Recipe


class Optimizer:
    """Groups of weights with a learning rate and a weight decay each; `step` moves the weights by their gradients.

    Our own classes rather than torch.optim's, which import torch's compiler (a second) when the first one is made. The
    arithmetic is torch's: the same fused kernels, and a test holds every optimizer to torch.optim's results.
    """

    def __init__(self, groups: Sequence[Sequence[Tensor]], lr: float, weight_decays: Sequence[float]) -> None:
        self.groups = [
            Group(params=list(params), lr=lr, weight_decay=decay)
            for params, decay in zip(groups, weight_decays, strict=True)
            if params
        ]

    def slow_down(self, weights: Sequence[Tensor], factor: float) -> None:
        """These weights move at a part of the rate, in groups of their own. Called before the first step."""
        slow = {id(weight) for weight in weights}
        parts = []
        for group in self.groups:
            for rate, members in (
                (group.lr, [weight for weight in group.params if id(weight) not in slow]),
                (group.lr * factor, [weight for weight in group.params if id(weight) in slow]),
            ):
                if members:
                    parts.append(Group(params=members, lr=rate, weight_decay=group.weight_decay))
        self.groups = parts

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for group in self.groups:
            for weight in group.params:
                weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step with the gradients as they are; weights without a gradient stay."""
        for group in self.groups:
            weights = [weight for weight in group.params if weight.grad is not None]
            if weights:
                for weight in weights:
                    if weight not in group.state:
                        group.state[weight] = self.new_state(weight)
                grads = [weight.grad for weight in weights if weight.grad is not None]
                self.update(group, weights, grads, [group.state[weight] for weight in weights])

    def new_state(self, weight: Tensor) -> list[Tensor]:
        """What is remembered of a weight between steps."""
        raise NotImplementedError

    def update(self, group: Group, weights: list[Tensor], grads: list[Tensor], states: list[list[Tensor]]) -> None:
        """Moves the weights of one group in place."""
        raise NotImplementedError


@dataclass
class Group:
    """Weights that share a learning rate and a weight decay, and what is remembered of them."""

    params: list[Tensor]
    lr: float
    weight_decay: float
    state: dict[Tensor, list[Tensor]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Method:
    """An optimizer that recipes can name: how it is made, and what suits it for the knobs that depend on it."""

    make: Callable[[nn.Module, Recipe], tuple[Optimizer, ...]]  # over all weights of a network that learn
    rate_factor: float = 1.0  # times the learning rate of AdamW
    momentum: float = 0.9
    decays: bool = False  # a preset's decay is kept; False: none, as the textbook has it


def decay(group: Group, weights: list[Tensor]) -> None:
    """Decoupled weight decay: by the rate, never through the gradient, where an optimizer that scales it would undo it."""
    if group.weight_decay > 0:
        torch._foreach_mul_(weights, 1 - group.lr * group.weight_decay)


def trainable(network: nn.Module) -> list[Tensor]:
    """The weights that learn."""
    return [weight for weight in network.parameters() if weight.requires_grad]


def by_dimensions(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Matrices, and vectors (biases, norms), which get no weight decay."""
    weights = trainable(network)
    return [weight for weight in weights if weight.ndim >= 2], [weight for weight in weights if weight.ndim < 2]
