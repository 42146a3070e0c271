"""Norms, scales and what changes nothing in a trained network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.disk.strict import RefusedError
from netpick.models.imported.base import KerasLayer, Shape, Weight
from netpick.types import STRICT

Axis = int | tuple[int, ...]
SMALLEST = 1e-7  # deviation that Keras' Normalization divides by


def _require_last(axis: Axis | None, shape: Shape) -> None:
    axes = (axis,) if isinstance(axis, int) else axis or ()
    if any(one not in (-1, len(shape)) for one in axes) or len(axes) > 1:
        raise RefusedError(f"works along axis {axis}, and only the last one, of channels, is read")


@dataclass(config=STRICT, kw_only=True)
class BatchNormalization(KerasLayer):
    """By the statistics that it was trained with; it keeps them when it is trained on."""

    axis: Axis = -1
    epsilon: float = Field(default=1e-3, gt=0)
    center: bool = True
    scale: bool = True

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        names = [
            *(["gamma"] if self.scale else []),
            *(["beta"] if self.center else []),
            "moving_mean",
            "moving_variance",
        ]
        return [Weight(name=name, shape=(shapes[0][-1],), places=(name,)) for name in names]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        _require_last(self.axis, shapes[0])
        return _BatchNorm(self, shapes[0][-1])


class _BatchNorm(nn.Module):
    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(self, layer: BatchNormalization, channels: int) -> None:
        super().__init__()
        self.epsilon = layer.epsilon
        self.gamma = nn.Parameter(torch.ones(channels)) if layer.scale else None
        self.beta = nn.Parameter(torch.zeros(channels)) if layer.center else None
        self.register_buffer("moving_mean", torch.zeros(channels))
        self.register_buffer("moving_variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        factor = torch.rsqrt(self.moving_variance + self.epsilon)
        factor = factor if self.gamma is None else factor * self.gamma
        offset = -self.moving_mean * factor
        return torch.addcmul(offset if self.beta is None else offset + self.beta, x, factor)


@dataclass(config=STRICT, kw_only=True)
class LayerNormalization(KerasLayer):
    axis: Axis = -1
    epsilon: float = Field(default=1e-3, gt=0)
    center: bool = True
    scale: bool = True

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        names = [*(["gamma"] if self.scale else []), *(["beta"] if self.center else [])]
        return [Weight(name=name, shape=(shapes[0][-1],), places=(name,)) for name in names]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        _require_last(self.axis, shapes[0])
        return _LayerNorm(self, shapes[0][-1])


class _LayerNorm(nn.Module):
    def __init__(self, layer: LayerNormalization, channels: int) -> None:
        super().__init__()
        self.epsilon = layer.epsilon
        self.gamma = nn.Parameter(torch.ones(channels)) if layer.scale else None
        self.beta = nn.Parameter(torch.zeros(channels)) if layer.center else None

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.gamma, self.beta, self.epsilon)


Constant = float | tuple[float, ...]


@dataclass(config=STRICT, kw_only=True)
class Rescaling(KerasLayer):
    """Inputs times a scale, and an offset."""

    scale: Constant = 1.0
    offset: Constant = 0.0

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Scaled(_constant(self.scale, shapes[0]), _constant(self.offset, shapes[0]))


def _constant(value: Constant, shape: Shape) -> Tensor:
    made = torch.tensor(value, dtype=torch.float32)
    if made.ndim and made.shape[0] not in (1, shape[-1]):
        raise RefusedError(f"scales {shape[-1]} channels by {made.shape[0]} numbers")
    return made


class _Scaled(nn.Module):
    scale: Tensor
    offset: Tensor

    def __init__(self, scale: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("offset", offset, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset


@dataclass(config=STRICT, kw_only=True)
class Normalization(KerasLayer):
    """By the mean and variance of the data that it was adapted to, or that its settings state."""

    axis: Axis | None = -1
    mean: Constant | None = None
    variance: Constant | None = None

    @property
    def stated(self) -> bool:
        return self.mean is not None and self.variance is not None

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        if self.stated:
            return ()
        _require_last(self.axis, shapes[0])
        shape = (shapes[0][-1],) if self.axis not in (None, ()) else ()
        return [
            Weight(name="mean", shape=shape, places=("average",)),
            Weight(name="variance", shape=shape, places=("variance",)),
            Weight(name="count", shape=(), places=(), whole=True),
        ]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        if self.mean is not None and self.variance is not None:
            return _Normal(_constant(self.mean, shapes[0]), _constant(self.variance, shapes[0]), kept=False)
        shape = self.weights(shapes)[0].shape
        return _Normal(torch.zeros(shape), torch.ones(shape), kept=True)


class _Normal(nn.Module):
    average: Tensor
    variance: Tensor

    def __init__(self, mean: Tensor, variance: Tensor, *, kept: bool) -> None:
        super().__init__()
        self.register_buffer("average", mean, persistent=kept)
        self.register_buffer("variance", variance, persistent=kept)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.average) / self.variance.sqrt().clamp(min=SMALLEST)


@dataclass(config=STRICT, kw_only=True)
class Regularizer(KerasLayer):
    """Dropout, SpatialDropout, GaussianNoise, GaussianDropout, AlphaDropout, ActivityRegularization, Identity: nothing, in a trained network."""

    rate: float | None = None
    stddev: float | None = None
    l1: float | None = None
    l2: float | None = None

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return nn.Identity()
