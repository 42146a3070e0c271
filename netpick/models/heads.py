"""The output layer of a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Pooled features (B, D) to outputs (B, O); (B, M, D) to (B, M, O) with separate weights for each of M members.

    The weights start small, so that the first answers are close to even: the first steps learn the bias, not undo noise.
    """

    def __init__(self, width: int, num_outputs: int, members: int = 1) -> None:
        super().__init__()
        self.members = members
        shape = (width, num_outputs) if members == 1 else (members, width, num_outputs)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros((*shape[:-2], num_outputs)))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)

    def forward(self, pooled: Tensor) -> Tensor:
        if self.members == 1:
            return pooled @ self.weight + self.bias
        return torch.einsum("bmd,mdo->bmo", pooled, self.weight) + self.bias
