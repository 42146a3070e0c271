"""Pooling over windows, and over all places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.imported.base import KerasLayer, Shape, ahead, behind, padded, require_axes, rims, windows
from netpick.types import STRICT


@dataclass(config=STRICT, kw_only=True)
class Pool(KerasLayer):
    """Largest or mean of each window; the rim is in no mean."""

    mask = "drop"
    pool_size: tuple[int, ...] = Field(min_length=1, max_length=2)
    strides: tuple[int, ...] | None = Field(default=None, min_length=1, max_length=2)
    padding: Literal["valid", "same"] = "valid"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        axes = len(self.pool_size)
        shape = require_axes(shapes, axes + 1, "pictures" if axes == 2 else "steps")
        return (*windows(shape[:-1], self.pool_size, self.strides or self.pool_size, self.padding), shape[-1])


@dataclass(config=STRICT, kw_only=True)
class MaxPool(Pool):
    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Largest(self, shapes[0])


@dataclass(config=STRICT, kw_only=True)
class AveragePool(Pool):
    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Mean(self, shapes[0])


class _Largest(nn.Module):
    def __init__(self, layer: Pool, shape: Shape) -> None:
        super().__init__()
        self.size, self.stride = layer.pool_size, layer.strides or layer.pool_size
        self.around = rims(shape[:-1], self.size, self.stride, layer.padding)

    def forward(self, x: Tensor) -> Tensor:
        pool = functional.max_pool1d if len(self.size) == 1 else functional.max_pool2d
        return behind(pool(padded(ahead(x), self.around, -torch.inf), self.size, self.stride))


class _Mean(nn.Module):
    share: Tensor | None

    def __init__(self, layer: Pool, shape: Shape) -> None:
        super().__init__()
        self.size, self.stride = layer.pool_size, layer.strides or layer.pool_size
        self.around = rims(shape[:-1], self.size, self.stride, layer.padding)
        self.pool = functional.avg_pool1d if len(self.size) == 1 else functional.avg_pool2d
        share = None
        if any(before or after for before, after in self.around):  # how much of each window is no rim
            share = self.pool(padded(torch.ones(1, 1, *shape[:-1]), self.around), self.size, self.stride)
        self.register_buffer("share", share, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.pool(padded(ahead(x), self.around), self.size, self.stride)
        return behind(mean if self.share is None else mean / self.share)


@dataclass(config=STRICT, kw_only=True)
class GlobalMean(KerasLayer):
    """GlobalAveragePooling: over all places, or over the steps that count."""

    mask = "own"
    keepdims: bool = False

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _pooled(shapes[0], self.keepdims)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _GlobalMean(len(shapes[0]) - 1, self.keepdims)


@dataclass(config=STRICT, kw_only=True)
class GlobalMax(KerasLayer):
    """GlobalMaxPooling. Keras looks at every step, whether it counts or not."""

    mask = "drop"
    keepdims: bool = False

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _pooled(shapes[0], self.keepdims)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _GlobalMax(len(shapes[0]) - 1, self.keepdims)


def _pooled(shape: Shape, keepdims: bool) -> Shape:
    return ((1,) * (len(shape) - 1) if keepdims else ()) + (shape[-1],)


class _GlobalMean(nn.Module):
    def __init__(self, axes: int, keepdims: bool) -> None:
        super().__init__()
        self.axes, self.keepdims = tuple(range(1, axes + 1)), keepdims

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if mask is None or len(self.axes) != 1:
            return x.mean(dim=self.axes, keepdim=self.keepdims), None
        counted = mask.to(x.dtype).unsqueeze(-1)
        total = (x * counted).sum(dim=1, keepdim=self.keepdims)
        return total / counted.sum(dim=1, keepdim=self.keepdims).clamp(min=1), None


class _GlobalMax(nn.Module):
    def __init__(self, axes: int, keepdims: bool) -> None:
        super().__init__()
        self.axes, self.keepdims = tuple(range(1, axes + 1)), keepdims

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(dim=self.axes, keepdim=self.keepdims)
