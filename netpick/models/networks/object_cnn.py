"""The CNN of objects: a residual trunk (He et al. 2016) under a feature pyramid of strides 8, 16 and 32 (Lin et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.infer import per_channel
from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.object_recipe import object_recipe
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import Recipe

STRIDES = (8, 16, 32)
GROWS = (1.0, 2.0, 4.0, 5.0)  # channels at strides 4, 8, 16 and 32, in widths


@dataclass(config=STRICT, kw_only=True)
class ObjectCnnSettings:
    """Settings of `cnn` on pictures with objects."""

    width: int = Field(default=32, ge=1)  # channels at stride 4; 2, 4 and 5 times as many at 8, 16 and 32
    blocks: int = Field(default=2, ge=1, le=16)  # residual ones at each of the strides 8, 16 and 32
    pyramid: int = Field(default=64, ge=1)  # channels of each of its maps


class Entrance(nn.Module):
    """Pictures (B, C, H, W), uint8 or float in 0..1, as floats normalised by the data's mean and deviation, with sides that are multiples of 32."""

    factor: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        std = per_channel(spec.std, spec, 1.0).clamp(min=1e-3)
        self.register_buffer("factor", 1 / std, persistent=False)
        self.register_buffer("offset", -per_channel(spec.mean, spec, 0.0) / std, persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        pictures = batch["objects"]
        factor = self.factor if pictures.is_floating_point() else self.factor / 255
        normal = pictures.float() * factor + self.offset
        height, width = normal.shape[2:]
        normal = functional.pad(normal, (0, -width % 32, 0, -height % 32))
        return normal.contiguous(memory_format=_channels_last()) if normal.shape[1] > 1 else normal


class Residual(nn.Module):
    """Two convolutions beside what came in."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = conv_norm(inputs, outputs, stride)
        self.second = conv_norm(outputs, outputs)
        plain = stride == 1 and inputs == outputs
        self.beside = nn.Identity() if plain else conv_norm(inputs, outputs, stride, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.second(functional.relu(self.first(x))) + self.beside(x))


class Pyramid(nn.Module):
    """Maps of strides 8, 16 and 32 to as many of one width: what coarser ones see is added to finer ones."""

    def __init__(self, inputs: Sequence[int], width: int) -> None:
        super().__init__()
        self.beside = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in inputs)
        self.smooth = nn.ModuleList(conv_norm(width, width) for _ in inputs)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        made: list[Tensor] = []
        above: Tensor | None = None
        for x, beside, smooth in reversed(list(zip(maps, self.beside, self.smooth, strict=True))):
            x = beside(x)
            above = x if above is None else x + functional.interpolate(above, scale_factor=2.0, mode="nearest")
            made.insert(0, functional.relu(smooth(above)))
        return tuple(made)


class ObjectCnnTrunk(Trunk):
    """Pictures (B, C, H, W) to maps (B, D, H / s, W / s) of the strides s."""

    def __init__(self, inputs: Inputs, settings: ObjectCnnSettings) -> None:
        super().__init__()
        spec = inputs["objects"]
        first, *rest = (max(1, round(settings.width * grows)) for grows in GROWS)
        self.entrance = Entrance(spec)
        half = max(1, first // 2)
        self.stem = nn.Sequential(
            conv_norm(spec.shape[0], half, 2), nn.ReLU(), conv_norm(half, first, 2), nn.ReLU(), Residual(first, first)
        )
        stages, before = [], first
        for width in rest:
            blocks = [Residual(before, width, 2), *(Residual(width, width) for _ in range(settings.blocks - 1))]
            stages.append(nn.Sequential(*blocks))
            before = width
        self.stages = nn.ModuleList(stages)
        self.pyramid = Pyramid(rest, settings.pyramid)
        self.pyramid_width, self.pyramid_strides = settings.pyramid, STRIDES
        self.width = before

    def forward(self, batch: Batch) -> Features:
        x = self.stem(self.entrance(batch))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return Features(x.mean(dim=(2, 3)), pyramid=self.pyramid(maps))


def conv_norm(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """A convolution and its norm."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def _channels_last() -> Any:
    import torch

    return torch.channels_last


class ObjectCnn(Architecture):
    """A small residual network under a pyramid; narrower where the time is short."""

    Settings = ObjectCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ObjectCnnSettings:
        return ObjectCnnSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        return [
            Size(settings=ObjectCnnSettings(), passes=15),
            Size(
                settings=ObjectCnnSettings(width=20, blocks=1, pyramid=48),
                passes=self.fewest_passes,
                remark="is narrower, for the budget",
            ),
        ]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return object_recipe(2e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ObjectCnnTrunk(inputs, settings)
