"""Muon for hidden matrices, AdamW for all other weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from netpick.models.infer import supports_bfloat16
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
        velocities = [state[0] for state in states]
        torch._foreach_lerp_(velocities, grads, 1 - self.momentum)
        updates = torch._foreach_lerp(grads, velocities, self.momentum)  # Nesterov
        for places in _of_one_shape(updates):
            rows = len(updates[places[0]])
            matrices = orthogonalise(torch.stack([updates[place].reshape(rows, -1) for place in places]))
            scale = max(1.0, rows / matrices.shape[2]) ** 0.5
            for place, matrix in zip(places, matrices.unbind(), strict=True):
                weights[place].add_(matrix.reshape(weights[place].shape), alpha=-group.lr * scale)


def _of_one_shape(matrices: Sequence[Tensor]) -> list[list[int]]:
    """Places of matrices that are worked out together: a call for each would cost more than its products."""
    places = defaultdict(list)
    for place, matrix in enumerate(matrices):
        places[len(matrix), matrix[0].numel()].append(place)
    return list(places.values())


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """The nearest matrices (N, R, C) with singular values near 1, by a quintic Newton-Schulz iteration (Jordan et al. 2024).

    In bf16 where the device computes in it; the iteration tolerates the rounding, as its authors found.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    if matrices.dtype == torch.float32 and supports_bfloat16(matrices.device.type):
        x = x.bfloat16()
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    result: Tensor = (x.mT if tall else x).to(matrices.dtype)
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
