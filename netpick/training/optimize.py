"""Optimizers and learning-rate schedules, from the recipe's names to torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def decay(group: Group, weights: list[Tensor]) -> None:
    """Decoupled weight decay: by the rate, never through the gradient, where an optimizer that scales it would undo it."""
    if group.weight_decay > 0:
        torch._foreach_mul_(weights, 1 - group.lr * group.weight_decay)


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


class Muon(Sgd):
    """Momentum whose update of each matrix is orthogonalised by Newton-Schulz (Jordan et al. 2024).

    For weights of two or more dimensions; a convolution counts as a matrix of out x rest.
    """

    def update(self, group: Group, weights: list[Tensor], grads: list[Tensor], states: list[list[Tensor]]) -> None:
        decay(group, weights)
        for weight, grad, (velocity,) in zip(weights, grads, states, strict=True):
            velocity.lerp_(grad, 1 - self.momentum)
            update = grad.lerp(velocity, self.momentum)  # Nesterov
            matrix = orthogonalise(update.reshape(len(update), -1))
            scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            weight.add_(matrix.reshape(weight.shape), alpha=-group.lr * scale)


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
    weights: list[Tensor] = [p for p in network.parameters() if p.requires_grad]
    groups = [[p for p in weights if p.ndim >= 2], [p for p in weights if p.ndim < 2]]
    rate, decays = recipe.learning_rate, (recipe.weight_decay, 0.0)
    if recipe.optimizer in ("adam", "adamw"):
        return (Adam(groups, rate, decays),)
    if recipe.optimizer == "sgd":
        return (Sgd(groups, rate, decays, momentum=recipe.momentum),)
    if recipe.optimizer == "rmsprop":
        return (RmsProp(groups, rate, decays, momentum=recipe.momentum),)
    # Muon for hidden matrices; embeddings, the head and vectors go to AdamW at a tenth of the rate.
    plain = {id(p) for m in network.modules() if isinstance(m, nn.Embedding) for p in m.parameters(recurse=False)}
    plain |= {id(p) for name, p in network.named_parameters() if name.startswith("head.")}
    hidden = [p for p in groups[0] if id(p) not in plain]
    others = [p for p in weights if p.ndim < 2 or id(p) in plain]
    return (
        Muon([hidden], rate, (recipe.weight_decay,), momentum=recipe.momentum),
        Adam([others], rate * 0.1, (0.0,)),
    )


def rate_multiplier(recipe: Recipe, progress: float) -> float:
    """What the learning rate is multiplied with when `progress` (0 to 1) of the course is made (plateau: apart from its own cuts).

    onecycle: Smith 2018; cosine: Loshchilov & Hutter 2017; step: a tenth after 60 % and after 85 % of the course.
    """
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
