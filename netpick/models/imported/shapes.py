"""Layers that put values elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.disk.strict import RefusedError
from netpick.models.imported.base import KerasLayer, Shape, ahead, behind, padded, require_axes
from netpick.types import STRICT

Sides = tuple[int, int]


@dataclass(config=STRICT, kw_only=True)
class Flatten(KerasLayer):
    """All values of a row, channels fastest."""

    mask = "drop"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return (prod(shapes[0]),)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return nn.Flatten(1)


@dataclass(config=STRICT, kw_only=True)
class Reshape(KerasLayer):
    mask = "drop"
    target_shape: tuple[int, ...] = Field(max_length=8)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        known, values = prod(extent for extent in self.target_shape if extent != -1), prod(shapes[0])
        if self.target_shape.count(-1) > 1 or known < 1 or values % known:
            raise RefusedError(f"makes {self.target_shape} of rows of shape {shapes[0]}")
        made = tuple(values // known if extent == -1 else extent for extent in self.target_shape)
        if prod(made) != values:
            raise RefusedError(f"makes {self.target_shape} of rows of shape {shapes[0]}")
        return made

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Reshaped(self.shape(shapes))


class _Reshaped(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


@dataclass(config=STRICT, kw_only=True)
class Permute(KerasLayer):
    mask = "drop"
    dims: tuple[int, ...] = Field(max_length=8)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        if sorted(self.dims) != list(range(1, len(shapes[0]) + 1)):
            raise RefusedError(f"orders the axes {self.dims} of rows of shape {shapes[0]}")
        return tuple(shapes[0][axis - 1] for axis in self.dims)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Permuted(self.dims)


class _Permuted(nn.Module):
    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, *self.axes)


@dataclass(config=STRICT, kw_only=True)
class RepeatVector(KerasLayer):
    mask = "drop"
    n: int = Field(ge=1, le=1 << 16)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return (self.n, *require_axes(shapes, 1, "one vector a row"))

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Repeated(self.n)


class _Repeated(nn.Module):
    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1).expand(-1, self.times, -1)


class _Rim(nn.Module):
    """Zeros around, or with negative counts values cut off."""

    def __init__(self, around: Sequence[Sides]) -> None:
        super().__init__()
        self.around = list(around)

    def forward(self, x: Tensor) -> Tensor:
        return behind(padded(ahead(x), self.around))


def _changed(shapes: Sequence[Shape], around: Sequence[Sides]) -> Shape:
    shape = require_axes(shapes, len(around) + 1, "steps" if len(around) == 1 else "pictures")
    sizes = (extent + before + after for extent, (before, after) in zip(shape[:-1], around, strict=True))
    return (*sizes, shape[-1])


def _cut(around: Sequence[Sides]) -> list[Sides]:
    return [(-before, -after) for before, after in around]


@dataclass(config=STRICT, kw_only=True)
class ZeroPadding1D(KerasLayer):
    mask = "drop"
    padding: int | Sides = 1

    def _around(self) -> list[Sides]:
        return [(self.padding, self.padding) if isinstance(self.padding, int) else self.padding]

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _changed(shapes, self._around())

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Rim(self._around())


@dataclass(config=STRICT, kw_only=True)
class ZeroPadding2D(KerasLayer):
    mask = "drop"
    padding: tuple[Sides, Sides] = ((1, 1), (1, 1))

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _changed(shapes, self.padding)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Rim(self.padding)


@dataclass(config=STRICT, kw_only=True)
class Cropping1D(KerasLayer):
    mask = "drop"
    cropping: Sides = (1, 1)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _changed(shapes, _cut([self.cropping]))

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Rim(_cut([self.cropping]))


@dataclass(config=STRICT, kw_only=True)
class Cropping2D(KerasLayer):
    mask = "drop"
    cropping: tuple[Sides, Sides] = ((0, 0), (0, 0))

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return _changed(shapes, _cut(self.cropping))

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Rim(_cut(self.cropping))
