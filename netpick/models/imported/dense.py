"""Layers that mix or look up numbers: dense ones and embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported.activations import Act, ActivationName
from netpick.models.imported.base import KerasLayer, Shape, Weight
from netpick.types import STRICT

Count = Field(ge=1, le=1 << 24)


@dataclass(config=STRICT, kw_only=True)
class Dense(KerasLayer):
    """Over the last axis."""

    units: int = Count
    activation: ActivationName = "linear"
    use_bias: bool = True

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return (*shapes[0][:-1], self.units)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        kernel = Weight(name="kernel", shape=(shapes[0][-1], self.units), places=("dense.weight",), axes=(1, 0))
        bias = Weight(name="bias", shape=(self.units,), places=("dense.bias",))
        return [kernel, bias][: 1 + self.use_bias]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Dense(shapes[0][-1], self)


class _Dense(nn.Module):
    def __init__(self, inputs: int, layer: Dense) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, layer.units, bias=layer.use_bias)
        self.act = Act(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.dense(x))  # type: ignore[no-any-return]


@dataclass(config=STRICT, kw_only=True)
class Embedding(KerasLayer):
    """Whole numbers to vectors; with `mask_zero` those at 0 count as nothing."""

    mask = "own"
    input_dim: int = Count
    output_dim: int = Count
    mask_zero: bool = False

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return (*shapes[0], self.output_dim)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        return [Weight(name="embeddings", shape=(self.input_dim, self.output_dim), places=("table.weight",))]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        if len(shapes[0]) != 1 and self.mask_zero:
            raise RefusedError(f"leaves zeros out of rows of shape {shapes[0]}, and only rows of numbers are read so")
        return _Embedding(self)


class _Embedding(nn.Module):
    def __init__(self, layer: Embedding) -> None:
        super().__init__()
        self.table = nn.Embedding(layer.input_dim, layer.output_dim)
        self.mask_zero = layer.mask_zero

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        numbers = x.long()
        vectors = self.table(numbers.clamp(0, self.table.num_embeddings - 1))
        return vectors, torch.ne(numbers, 0) if self.mask_zero else None
