"""Activations by the names that Keras gives them, and the layers that are one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.imported.base import KerasLayer, Shape, Weight
from netpick.types import STRICT

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "swish": functional.silu,
    "mish": functional.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": functional.hardsigmoid,
    "hard_sigmoid_2": lambda x: (0.2 * x + 0.5).clamp(0.0, 1.0),  # as Keras 2 had it
    "hard_silu": functional.hardswish,
    "hard_swish": functional.hardswish,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "exponential": torch.exp,
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "log_softmax": lambda x: torch.log_softmax(x, dim=-1),
}
ActivationName = Literal[
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "mish", "tanh", "sigmoid", "hard_sigmoid",
    "hard_sigmoid_2", "hard_silu", "hard_swish", "softplus", "softsign", "exponential", "softmax", "log_softmax",
]  # fmt: skip


class Act(nn.Module):
    """One of them."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.function = name, ACTIVATIONS[name]

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return self.name


@dataclass(config=STRICT, kw_only=True)
class Activation(KerasLayer):
    activation: ActivationName = "linear"

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return Act(self.activation)


@dataclass(config=STRICT, kw_only=True)
class ReLU(KerasLayer):
    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Relu(self.max_value, self.negative_slope, self.threshold)


class _Relu(nn.Module):
    def __init__(self, largest: float | None, slope: float, threshold: float) -> None:
        super().__init__()
        self.largest, self.slope, self.threshold = largest, slope, threshold

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.where(x >= self.threshold, x, self.slope * (x - self.threshold))
        return kept if self.largest is None else kept.clamp(max=self.largest)


@dataclass(config=STRICT, kw_only=True)
class LeakyReLU(KerasLayer):
    negative_slope: float = 0.3

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return nn.LeakyReLU(self.negative_slope)


@dataclass(config=STRICT, kw_only=True)
class ELU(KerasLayer):
    alpha: float = 1.0

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return nn.ELU(self.alpha)


@dataclass(config=STRICT, kw_only=True)
class Softmax(KerasLayer):
    axis: Literal[-1] = -1

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return nn.Softmax(dim=-1)


@dataclass(config=STRICT, kw_only=True)
class PReLU(KerasLayer):
    """A slope for each value of a row, along the shared axes (from 1) one for all."""

    shared_axes: tuple[int, ...] | None = Field(default=None, max_length=8)

    def _slopes(self, shape: Shape) -> Shape:
        shared = self.shared_axes or ()
        return tuple(1 if axis + 1 in shared else extent for axis, extent in enumerate(shape))

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        return [Weight(name="alpha", shape=self._slopes(shapes[0]), places=("slope",))]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Slopes(self._slopes(shapes[0]))


class _Slopes(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=0) + self.slope * x.clamp(max=0)
