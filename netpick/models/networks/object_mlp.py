"""The MLP of objects: each place sees the pixels around it, at three scales, and nothing else.

A place of stride s reads a window of 3 x 3 cells of s pixels, each as 4 x 4 means; layers over them have no further neighbours. It is the yardstick of what sight beyond a
window is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.object_cnn import STRIDES, Entrance
from netpick.models.networks.object_recipe import object_recipe
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

CELLS = 4  # means of a cell, a side


@dataclass(config=STRICT, kw_only=True)
class ObjectMlpSettings:
    """Settings of `mlp` on pictures with objects."""

    width: int = Field(default=96, ge=1)
    layers: int = Field(default=3, ge=1, le=16)
    pyramid: int = Field(default=64, ge=1)  # channels of each of its maps


class ObjectMlpTrunk(Trunk):
    """Pictures (B, C, H, W) to maps (B, D, H / s, W / s) of the strides s."""

    def __init__(self, inputs: Inputs, settings: ObjectMlpSettings) -> None:
        super().__init__()
        spec = inputs["objects"]
        self.entrance = Entrance(spec)
        self.levels = nn.ModuleList(_level(spec.shape[0] * CELLS**2, settings) for _ in STRIDES)
        self.pyramid_width, self.pyramid_strides = settings.pyramid, STRIDES
        self.width = settings.pyramid

    def forward(self, batch: Batch) -> Features:
        x = self.entrance(batch)
        maps = []
        for level, stride in zip(self.levels, STRIDES, strict=True):
            means = functional.avg_pool2d(x, stride // CELLS) if stride > CELLS else x
            maps.append(level(functional.pixel_unshuffle(means, CELLS)))
        return Features(maps[-1].mean(dim=(2, 3)), pyramid=tuple(maps))


def _level(inputs: int, settings: ObjectMlpSettings) -> nn.Sequential:
    """Layers over a place; the first one reads the cells around it, too."""
    parts: list[nn.Module] = []
    widths = [inputs, *[settings.width] * (settings.layers - 1), settings.pyramid]
    for number, (before, behind) in enumerate(pairwise(widths)):
        kernel = 3 if number == 0 else 1
        layer = nn.Conv2d(before, behind, kernel, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        parts += [layer, nn.BatchNorm2d(behind), nn.ReLU()]
    return nn.Sequential(*parts)


class ObjectMlp(Architecture):
    """Layers over windows of pixels."""

    Settings = ObjectMlpSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ObjectMlpSettings:
        return ObjectMlpSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        return [Size(settings=ObjectMlpSettings(), passes=self.fewest_passes)]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return object_recipe(2e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ObjectMlpTrunk(inputs, settings)
