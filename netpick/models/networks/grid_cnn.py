"""The CNN for images: a residual network sized to the image, made to learn in seconds on a processor.

Each stage halves the map and doubles the channels, so every stage costs about the same. Residual blocks follow He et al.
(2016), one convolution each: at this size, two small blocks beat one block of two. The first convolution strides where there
is little time, because at full resolution one layer costs more than the rest of the network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer
from netpick.models.networks.stems import GridStem
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import Recipe

SMALL = 40  # pixels a side up to which the first convolution may read every pixel
FASTEST = (
    3e11  # operations a second of one core, about twice what bf16 convolutions reach: steps beyond it are not timed
)
MOST_PASSES = 100.0  # that a size may ask for: more of them are seldom affordable


@dataclass(config=STRICT, kw_only=True)
class GridCnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=16, ge=1)  # channels of the first stage; each later stage has twice as many
    widest: int = Field(default=0, ge=0)  # channels of a stage at most; 0: no limit
    stages: int = Field(default=3, ge=1, le=8)  # each later stage halves the map
    blocks: int = Field(default=1, ge=0, le=1000)  # residual blocks in each stage but the first
    first_blocks: int = Field(default=0, ge=0, le=1000)  # residual blocks in the first stage
    kernel: int = Field(default=3, ge=1)  # of the first convolution
    stride: int = Field(default=1, ge=1)  # of the first convolution
    pooling: Literal["flatten", "mean", "max", "mean_max"] = "mean"
    activation: Activation = "relu"
    norm: Literal["batch", "layer", "none"] = "batch"
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the pooled features
    shrink: int = Field(default=1, ge=1)  # this many pixels a side are averaged into one first


class ConvNorm(nn.Sequential):
    """Convolution that keeps the size (or divides it by the stride), then the norm."""

    def __init__(self, inputs: int, outputs: int, settings: GridCnnSettings, kernel: int = 3, stride: int = 1) -> None:
        norms: dict[str, nn.Module] = {
            "batch": nn.BatchNorm2d(outputs, momentum=0.3),
            "layer": nn.GroupNorm(1, outputs),
            "none": nn.Identity(),
        }
        bias = settings.norm == "none"
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=bias)
        super().__init__(convolution, norms[settings.norm])


class Block(nn.Module):
    """A residual block: its input plus one convolution of it."""

    def __init__(self, channels: int, settings: GridCnnSettings) -> None:
        super().__init__()
        self.convolution = ConvNorm(channels, channels, settings)
        self.activation = activation_layer(settings.activation, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.convolution(x))  # type: ignore[no-any-return]


class GridCnnTrunk(Trunk):
    """Images (B, C, H, W) to a map (B, D, h, w) and its pooled features."""

    def __init__(self, inputs: Inputs, settings: GridCnnSettings) -> None:
        super().__init__()
        spec = inputs["grid"]
        self.stem = GridStem(spec)
        self.pooling = settings.pooling
        self.shrink = min(settings.shrink, *spec.shape[1:])
        layers: list[nn.Module] = []
        channels, outputs = spec.shape[0], settings.width
        for stage in range(settings.stages):
            kernel, stride = (settings.kernel, settings.stride) if stage == 0 else (3, 2)
            layers.append(ConvNorm(channels, outputs, settings, kernel, stride))
            layers.append(activation_layer(settings.activation, dim=1))
            blocks = settings.blocks if stage > 0 else settings.first_blocks
            layers.extend(Block(outputs, settings) for _ in range(blocks))
            channels, outputs = outputs, min(2 * outputs, settings.widest or 2 * outputs)
        self.layers = nn.Sequential(*layers)
        self.dropout = Dropout(settings.dropout)
        height, width = (map_size(size // self.shrink, settings) for size in spec.shape[1:])
        self.map_width = channels
        self.width = channels * {"flatten": height * width, "mean_max": 2}.get(settings.pooling, 1)

    def forward(self, batch: Batch) -> Features:
        images = self.stem(batch)
        if self.shrink > 1:
            images = functional.avg_pool2d(images, self.shrink)
        images = images.contiguous(memory_format=torch.channels_last)
        maps = self.layers(images)  # (B, D, h, w)
        return Features(self.dropout(pool_map(maps, self.pooling)), map=maps)


def map_size(size: int, settings: GridCnnSettings) -> int:
    """Rows or columns of the last map."""
    size = (size - 1 + 2 * (settings.kernel // 2) - (settings.kernel - 1)) // settings.stride + 1
    for _ in range(settings.stages - 1):
        size = (size - 1) // 2 + 1
    return size


def pool_map(maps: Tensor, pooling: str) -> Tensor:
    """(B, D, h, w) to (B, D), twice that for mean_max, D * h * w for flatten."""
    if pooling == "flatten":
        return maps.flatten(1)
    means = functional.adaptive_avg_pool2d(maps, 1).flatten(1)
    if pooling == "mean":
        return means
    largest = functional.adaptive_max_pool2d(maps, 1).flatten(1)
    return largest if pooling == "max" else torch.cat([means, largest], dim=1)


class GridCnn(Architecture):
    """Residual 2-d network on images."""

    Settings = GridCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> GridCnnSettings:
        """A last map of about 4 x 4. MNIST, 25 processor seconds: 99.5 %."""
        side = min(inputs["grid"].shape[1:])
        if side < 16:
            return GridCnnSettings(width=32, stages=2, blocks=1, pooling="flatten", dropout=0.1)
        if side <= SMALL:
            return GridCnnSettings(width=16, stages=_halvings(side), blocks=1, kernel=5, stride=2, pooling="flatten")
        return _deep(side, 16)

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Wider networks for more rows and time, and from 16 to 40 pixels a first convolution that does not stride.

        Pictures like CIFAR-10's, equal processor time: 0.536 (width 16, every pixel) to 0.517 and 0.504 (widths 32 and 48,
        strided). With less than three passes, the strided one of width 16 is better (MNIST).
        """
        spec = inputs["grid"]
        side, batch_size = min(spec.shape[1:]), self.recipe(inputs, num_rows, num_outputs).batch_size
        preset = Size(settings=self.presets(inputs, num_rows, num_outputs))
        if side < 16:
            return [preset]

        def larger(settings: GridCnnSettings, passes: float, steps: int) -> Size:
            return Size(settings=settings, passes=min(MOST_PASSES, max(passes, steps * batch_size / num_rows)))

        made = [
            larger(replace(_deep(side, 32), blocks=2, first_blocks=1), 16, 2_000),
            larger(_deep(side, 32), 10, 1_500),
            larger(_deep(side, 24), 7, 1_000),
        ]
        made += [larger(_deep(side, 16), 3, 500)] if side <= SMALL else []
        made += [preset, *_hurried(side)]
        operations = seconds * FASTEST * (os.cpu_count() or 1)
        reachable = operations / (
            6 * num_rows
        )  # multiplications a picture: two operations each, and twice that backwards
        within = [one for one in made if one.passes * multiplications(spec, one.settings) <= reachable]
        return within or made[-1:]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """One-cycle (Smith & Topin 2018) Muon (Jordan et al. 2024): in equal time better than AdamW at every size tried."""
        many = num_rows >= 20_000
        small = min(inputs["grid"].shape[1:]) < 16
        return Recipe(
            optimizer="muon",
            learning_rate=0.04 if many or small else 0.02,
            weight_decay=4e-3,
            schedule="onecycle",
            warmup=0.2,
            batch_size=256 if many else 64,
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return GridCnnTrunk(inputs, settings)


def _halvings(side: int) -> int:
    """Stages behind a strided convolution, to a last map of about 4 x 4."""
    return max(3, (side - 1).bit_length() - 2)


def _deep(side: int, width: int) -> GridCnnSettings:
    """A first stage at 32 x 32 or more, and as many as it takes."""
    if side <= SMALL:
        return GridCnnSettings(width=width, stages=_halvings(side) + 1, widest=256, pooling="mean_max")
    return GridCnnSettings(
        width=width, stages=_halvings(side), widest=256, kernel=5, stride=2, pooling="mean_max", dropout=0.1
    )


def _hurried(side: int) -> list[Size]:
    """Smaller than what the data suggest, where that could not go through the rows often enough."""
    if side <= SMALL:
        return []  # a sample of the rows is as good as half of the width
    strided = GridCnnSettings(width=16, stages=_halvings(side) - 1, widest=256, kernel=7, stride=4, pooling="mean_max")
    coarse = replace(strided, shrink=2, stages=max(2, _halvings(side) - 2))
    return [
        Size(settings=strided, remark="its first convolution has a stride of 4, to fit the budget"),
        Size(settings=coarse, remark="reads the images at half their resolution, to fit the budget"),
    ]


def multiplications(spec: InputSpec, settings: GridCnnSettings) -> float:
    """Of the convolutions, for one picture."""
    channels, *sides = spec.shape
    shrink = min(settings.shrink, *sides)
    total, outputs = 0.0, settings.width
    for stage in range(settings.stages):
        kernel = settings.kernel if stage == 0 else 3
        height, width = (map_size(side // shrink, replace(settings, stages=stage + 1)) for side in sides)
        blocks = settings.blocks if stage > 0 else settings.first_blocks
        total += height * width * outputs * (channels * kernel**2 + blocks * outputs * 9)
        channels, outputs = outputs, min(2 * outputs, settings.widest or 2 * outputs)
    return total
