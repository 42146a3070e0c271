"""Convolutions over pictures and steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.disk.strict import RefusedError
from netpick.models.imported.activations import Act, ActivationName
from netpick.models.imported.base import (
    KerasLayer,
    Padding,
    Shape,
    Weight,
    ahead,
    behind,
    padded,
    require_axes,
    rims,
    windows,
)
from netpick.models.imported.dense import Count
from netpick.types import STRICT

Extents = tuple[int, ...]
CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d}


@dataclass(config=STRICT, kw_only=True)
class Windowed(KerasLayer):
    """What convolutions share: a window, its steps, and its rim."""

    mask = "drop"
    kernel_size: Extents = Field(min_length=1, max_length=2)
    strides: Extents = Field(default=(1, 1), min_length=1, max_length=2)
    dilation_rate: Extents = Field(default=(1, 1), min_length=1, max_length=2)
    padding: Padding = "valid"
    activation: ActivationName = "linear"
    use_bias: bool = True

    @property
    def axes(self) -> int:
        """1 of steps, 2 of pictures."""
        return len(self.kernel_size)

    @property
    def steps(self) -> Extents:
        return self.strides[: self.axes]

    @property
    def apart(self) -> Extents:
        return self.dilation_rate[: self.axes]

    @property
    def reach(self) -> Extents:
        """The window with what lies between its places."""
        return tuple((k - 1) * apart + 1 for k, apart in zip(self.kernel_size, self.apart, strict=True))

    def sizes(self, shapes: Sequence[Shape]) -> Shape:
        """Extents of what comes out, without the channels."""
        shape = require_axes(shapes, self.axes + 1, "pictures" if self.axes == 2 else "steps")
        if min(*self.kernel_size, *self.apart, *self.steps) < 1:
            raise RefusedError("has an empty window")
        return windows(shape[:-1], self.reach, self.steps, self.padding)


@dataclass(config=STRICT, kw_only=True)
class Convolution(Windowed):
    """Conv1D, Conv2D."""

    filters: int = Count
    groups: int = Field(default=1, ge=1)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        if shapes[0][-1] % self.groups or self.filters % self.groups:
            raise RefusedError(f"has {self.groups} groups of {shapes[0][-1]} channels and {self.filters} filters")
        return (*self.sizes(shapes), self.filters)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        kernel = (*self.kernel_size, shapes[0][-1] // self.groups, self.filters)
        turned = (self.axes + 1, self.axes, *range(self.axes))
        made = [Weight(name="kernel", shape=kernel, places=("conv.weight",), axes=turned)]
        return [*made, Weight(name="bias", shape=(self.filters,), places=("conv.bias",))][: 1 + self.use_bias]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Convolved(self, shapes[0], [(shapes[0][-1], self.filters, self.groups)])


@dataclass(config=STRICT, kw_only=True)
class Depthwise(Windowed):
    """DepthwiseConv1D, DepthwiseConv2D: filters of each channel for itself."""

    depth_multiplier: int = Field(default=1, ge=1, le=1 << 16)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return (*self.sizes(shapes), shapes[0][-1] * self.depth_multiplier)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        made = [_of_each(self, shapes[0][-1], self.depth_multiplier, "conv.weight", "kernel")]
        bias = Weight(name="bias", shape=(shapes[0][-1] * self.depth_multiplier,), places=("conv.bias",))
        return [*made, bias][: 1 + self.use_bias]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        channels = shapes[0][-1]
        return _Convolved(self, shapes[0], [(channels, channels * self.depth_multiplier, channels)])


@dataclass(config=STRICT, kw_only=True)
class Separable(Windowed):
    """SeparableConv1D, SeparableConv2D: filters of each channel, and a mixing of what they give."""

    filters: int = Count
    depth_multiplier: int = Field(default=1, ge=1, le=1 << 16)

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        return (*self.sizes(shapes), self.filters)

    def weights(self, shapes: Sequence[Shape]) -> Sequence[Weight]:
        channels = shapes[0][-1]
        mixed = (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters)
        turned = (self.axes + 1, self.axes, *range(self.axes))
        return [
            _of_each(self, channels, self.depth_multiplier, "each.weight", "depthwise_kernel"),
            Weight(name="pointwise_kernel", shape=mixed, places=("conv.weight",), axes=turned),
            Weight(name="bias", shape=(self.filters,), places=("conv.bias",)),
        ][: 2 + self.use_bias]

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        channels = shapes[0][-1]
        wide = channels * self.depth_multiplier
        return _Convolved(self, shapes[0], [(channels, wide, channels), (wide, self.filters, 1)])


def _of_each(layer: Windowed, channels: int, many: int, place: str, name: str) -> Weight:
    """The kernel of filters of each channel for itself; Keras counts filters of a channel side by side, as torch does."""
    return Weight(
        name=name,
        shape=(*layer.kernel_size, channels, many),
        places=(place,),
        axes=(layer.axes, layer.axes + 1, *range(layer.axes)),
        after=(channels * many, 1, *layer.kernel_size),
    )


class _Convolved(nn.Module):
    """One convolution, or one of each channel and a mixing behind it."""

    def __init__(self, layer: Windowed, shape: Shape, parts: Sequence[tuple[int, int, int]]) -> None:
        """parts: channels in, channels out and groups of each."""
        super().__init__()
        kinds: dict[int, type[nn.Conv1d | nn.Conv2d]] = {1: nn.Conv1d, 2: nn.Conv2d}
        kind, separable = kinds[layer.axes], len(parts) == 2
        around = rims(shape[:-1], layer.reach, layer.steps, layer.padding)
        even = all(before == after for before, after in around)  # then the convolution pads by itself
        self.around: list[tuple[int, int]] = [] if even else around
        settings = {
            "kernel_size": layer.kernel_size,
            "stride": layer.steps,
            "dilation": layer.apart,
            "padding": tuple(before for before, _ in around) if even else 0,
        }
        made = [
            kind(
                inputs,
                outputs,
                groups=groups,
                bias=layer.use_bias and last,
                **(settings if first else {"kernel_size": 1}),
            )
            for (inputs, outputs, groups), first, last in zip(parts, (True, False), (not separable, True), strict=False)
        ]
        self.each: nn.Module | None = made[0] if separable else None
        self.conv = made[-1]
        self.act = Act(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        x = padded(ahead(x), self.around)
        x = x if self.each is None else self.each(x)
        return self.act(behind(self.conv(x)))  # type: ignore[no-any-return]


@dataclass(config=STRICT, kw_only=True)
class UpSampling2D(KerasLayer):
    mask = "drop"
    size: tuple[int, int] = (2, 2)
    interpolation: Literal["nearest", "bilinear"] = "nearest"

    def shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, channels = require_axes(shapes, 3, "pictures")
        return (height * self.size[0], width * self.size[1], channels)

    def module(self, shapes: Sequence[Shape]) -> nn.Module:
        return _Larger(self)


class _Larger(nn.Module):
    def __init__(self, layer: UpSampling2D) -> None:
        super().__init__()
        self.size, self.mode = tuple(map(float, layer.size)), layer.interpolation

    def forward(self, x: Tensor) -> Tensor:
        settings = {} if self.mode == "nearest" else {"align_corners": False}
        return behind(functional.interpolate(ahead(x), scale_factor=self.size, mode=self.mode, **settings))
