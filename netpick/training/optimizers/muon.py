"""Muon for hidden matrices, AdamW for all other weights."""

from __future__ import annotations

from torch import Tensor, nn

from netpick.training.optimizers.adam import Adam
from netpick.training.optimizers.base import Group, Method, Optimizer, decay, trainable
from netpick.training.optimizers.sgd import Sgd
from netpick.types.recipe import Recipe


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


def _make(network: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    """Embeddings, the head and vectors go to AdamW, at a tenth of the rate."""
    plain = {id(p) for m in network.modules() if isinstance(m, nn.Embedding) for p in m.parameters(recurse=False)}
    plain |= {id(p) for name, p in network.named_parameters() if name.startswith("head.")}
    weights = trainable(network)
    hidden = [p for p in weights if p.ndim >= 2 and id(p) not in plain]
    others = [p for p in weights if p.ndim < 2 or id(p) in plain]
    return (
        Muon([hidden], recipe.learning_rate, (recipe.weight_decay,), momentum=recipe.momentum),
        Adam([others], recipe.learning_rate * 0.1, (0.0,)),
    )


MUON = Method(make=_make, rate_factor=5.0, decays=True)
