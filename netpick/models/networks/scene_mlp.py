"""The MLP of masks: a pixel is told by its window at three scales, and nothing else of the picture.

What context beyond a window is worth shows beside it. The first layer reads a square of pixels, the same square of a picture of half the
size and of a quarter; further layers look at the pixel alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.scene_blocks import MOMENTUM, ConvNorm, SceneStem, padded_to
from netpick.models.networks.scene_recipe import scene_recipe
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class SceneMlpSettings:
    """Settings of `mlp` on pictures with masks."""

    width: int = Field(default=48, ge=1)
    layers: int = Field(default=2, ge=0, le=100)  # behind the one that reads the windows
    window: int = Field(default=7, ge=1, le=31)  # pixels of a side
    scales: int = Field(default=3, ge=1, le=6)  # each further one sees twice as far


class SceneMlpTrunk(Trunk):
    """Pictures (B, C, H, W) to a map (B, D, H, W)."""

    def __init__(self, inputs: Inputs, settings: SceneMlpSettings) -> None:
        super().__init__()
        spec, width = inputs["scene"], settings.width
        self.stem = SceneStem(spec)
        self.multiple = 2 ** (settings.scales - 1)
        self.windows = nn.ModuleList(
            nn.Conv2d(spec.shape[0], width, settings.window, padding=settings.window // 2, bias=False)
            for _ in range(settings.scales)
        )
        self.norm = nn.BatchNorm2d(width, momentum=MOMENTUM)
        self.layers = nn.Sequential(*(ConvNorm(width, width, kernel=1) for _ in range(settings.layers)))
        self.map_width = self.width = width

    def forward(self, batch: Batch) -> Features:
        x = self.stem(batch)
        height, width = x.shape[2:]
        x = padded_to(x, self.multiple)
        total: Tensor | None = None
        for number, window in enumerate(self.windows):
            seen = window(functional.avg_pool2d(x, 2**number) if number else x)
            if number:
                seen = functional.interpolate(seen, scale_factor=float(2**number), mode="bilinear", align_corners=False)
            total = seen if total is None else total + seen
        assert total is not None
        made = self.layers(functional.relu(self.norm(total)))[:, :, :height, :width]
        return Features(made[:, :, 0, 0], map=made)


class SceneMlp(Architecture):
    """A window at several scales through an MLP, pixel by pixel."""

    Settings = SceneMlpSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SceneMlpSettings:
        return SceneMlpSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        small = SceneMlpSettings(width=24, window=5)
        return [
            Size(settings=SceneMlpSettings(), passes=2 * self.fewest_passes),
            Size(settings=small, passes=self.fewest_passes, remark="smaller windows, for the budget"),
        ]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return scene_recipe(inputs, 5e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SceneMlpTrunk(inputs, settings)
