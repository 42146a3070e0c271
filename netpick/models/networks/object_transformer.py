"""The transformer of objects: patches of 16 pixels that attend to each other, under the same pyramid and head (ViTDet, Li et al. 2022).

Convolutions in front make the patches (Xiao et al. 2021); their map of stride 8 goes to the pyramid beside what the layers made of the patches, as
small objects need its places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import EncoderLayer, check_heads
from netpick.models.networks.object_cnn import STRIDES, Entrance, Pyramid, conv_norm
from netpick.models.networks.object_recipe import object_recipe
from netpick.models.networks.patch_transformer import sincos
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class ObjectTransformerSettings:
    """Settings of `transformer` on pictures with objects."""

    width: int = Field(default=128, ge=4, multiple_of=4)
    layers: int = Field(default=4, ge=1, le=100)
    heads: int = Field(default=4, ge=1)
    pyramid: int = Field(default=64, ge=1)  # channels of each of its maps


class ObjectTransformerTrunk(Trunk):
    """Pictures (B, C, H, W) to maps (B, D, H / s, W / s) of the strides s."""

    def __init__(self, inputs: Inputs, settings: ObjectTransformerSettings) -> None:
        super().__init__()
        check_heads(settings.width, settings.heads)
        spec, width = inputs["objects"], settings.width
        quarter, half = max(1, width // 4), max(1, width // 2)
        self.entrance = Entrance(spec)
        self.stem = nn.Sequential(
            conv_norm(spec.shape[0], quarter, 2),
            nn.ReLU(),
            conv_norm(quarter, quarter, 2),
            nn.ReLU(),
            conv_norm(quarter, half, 2),
            nn.ReLU(),
        )
        self.patches = nn.Conv2d(half, width, 3, 2, padding=1)
        self.layers = nn.ModuleList(EncoderLayer(width, settings.heads, 2 * width, 0.0) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(width)
        self.coarse = nn.Sequential(conv_norm(width, width, 2), nn.ReLU())
        self.pyramid = Pyramid((half, width, width), settings.pyramid)
        self.pyramid_width, self.pyramid_strides = settings.pyramid, STRIDES
        self.width = width

    def forward(self, batch: Batch) -> Features:
        fine = self.stem(self.entrance(batch))
        patches = self.patches(fine)
        height, width = patches.shape[2:]
        steps = patches.flatten(2).transpose(1, 2).float() + _positions(height, width, patches.shape[1], patches.device)
        for layer in self.layers:
            steps = layer(steps)
        seen = self.norm(steps).transpose(1, 2).unflatten(2, (height, width))
        coarse = self.coarse(seen)
        return Features(coarse.mean(dim=(2, 3)), pyramid=self.pyramid((fine, seen, coarse)))


def _positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """(height * width, channels): half of them for the row, half for the column."""
    half = channels // 2
    down = sincos(torch.arange(height), half)[:, None].expand(height, width, half)
    across = sincos(torch.arange(width), half)[None].expand(height, width, half)
    return torch.cat([down, across], dim=2).flatten(0, 1).to(device)


class ObjectTransformer(Architecture):
    """Attention over patches."""

    Settings = ObjectTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ObjectTransformerSettings:
        return ObjectTransformerSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        return [
            Size(settings=ObjectTransformerSettings(), passes=15),
            Size(
                settings=ObjectTransformerSettings(width=64, layers=2, pyramid=48),
                passes=self.fewest_passes,
                remark="is smaller, for the budget",
            ),
        ]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return object_recipe(1e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ObjectTransformerTrunk(inputs, settings)
