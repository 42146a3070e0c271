"""The transformer of masks: patches attend to each other within windows that shift from layer to layer (Liu et al. 2021).

Convolutions in front make the patches and keep what is fine; a light decoder lays what the patches found beside it (Xie et al. 2021). Windows
make it read pictures of any size in the same way, where attention over the whole would cost the square of its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import check_heads, linear
from netpick.models.networks.scene_blocks import ConvNorm, SceneStem, padded_to
from netpick.models.networks.scene_recipe import scene_recipe
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class SceneTransformerSettings:
    """Settings of `transformer` on pictures with masks."""

    width: int = Field(default=96, ge=1)
    layers: int = Field(default=4, ge=0, le=100)
    heads: int = Field(default=4, ge=1)
    patch: int = Field(default=8, ge=4, le=32, multiple_of=4)  # pixels of a side
    window: int = Field(default=8, ge=1, le=64)  # patches of a side that attend to each other
    fine: int = Field(default=16, ge=1)  # channels of what is kept at half the size


class WindowLayer(nn.Module):
    """Attention within windows of w x w patches, with a learned bias for each step from one to another, and a hidden layer."""

    places: Tensor

    def __init__(self, settings: SceneTransformerSettings, *, shifted: bool) -> None:
        super().__init__()
        width, side = settings.width, settings.window
        check_heads(width, settings.heads)
        self.heads, self.side, self.shift = settings.heads, side, side // 2 if shifted else 0
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = linear(width, 3 * width), linear(width, width)
        self.hidden, self.back = linear(width, 2 * width, "relu"), linear(2 * width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.back.weight)
        self.bias = nn.Parameter(torch.zeros((2 * side - 1) ** 2, settings.heads))
        steps = torch.arange(side)
        apart = steps.view(-1, 1) - steps.view(1, -1) + side - 1  # (w, w)
        places = apart[:, None, :, None] * (2 * side - 1) + apart[None, :, None, :]
        self.register_buffer("places", places.reshape(side * side, side * side), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, h, w, D), both sides multiples of the window."""
        x = x + self._attended(self.first(x))
        return x + self.back(functional.gelu(self.hidden(self.second(x))))  # type: ignore[no-any-return]

    def _attended(self, x: Tensor) -> Tensor:
        batch, height, width, size = x.shape
        side, shift = self.side, self.shift
        if shift:
            x = torch.roll(x, (-shift, -shift), dims=(1, 2))
        rows, columns = height // side, width // side
        x = x.view(batch, rows, side, columns, side, size).transpose(2, 3).reshape(-1, side * side, size)
        query, key, value = self.mix(x).view(-1, side * side, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        bias = self.bias[self.places].permute(2, 0, 1)  # (heads, w * w, w * w)
        if shift:  # what came round the edge is no neighbour
            apart = _apart(height, width, side, shift, x.device)
            bias = bias.unsqueeze(0) + apart.repeat(batch, 1, 1).unsqueeze(1).to(bias.dtype)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        mixed = self.out(mixed.transpose(1, 2).reshape(-1, side * side, size))
        mixed = mixed.view(batch, rows, columns, side, side, size).transpose(2, 3).reshape(batch, height, width, size)
        return torch.roll(mixed, (shift, shift), dims=(1, 2)) if shift else mixed


def _apart(height: int, width: int, side: int, shift: int, device: torch.device) -> Tensor:
    """(windows, w * w, w * w): a large negative number where two patches of a shifted window are no neighbours."""
    down, across = torch.arange(height, device=device), torch.arange(width, device=device)
    region = (down >= height - shift).long().view(-1, 1) * 2 + (across >= width - shift).long().view(1, -1)
    parts = region.view(height // side, side, width // side, side).transpose(1, 2).reshape(-1, side * side)
    return (parts.unsqueeze(1) != parts.unsqueeze(2)).float() * -100.0


class SceneTransformerTrunk(Trunk):
    """Pictures (B, C, H, W) to a map (B, D, H, W)."""

    def __init__(self, inputs: Inputs, settings: SceneTransformerSettings) -> None:
        super().__init__()
        spec, fine, width = inputs["scene"], settings.fine, settings.width
        self.stem = SceneStem(spec)
        self.multiple = settings.patch * settings.window
        self.front = nn.Sequential(ConvNorm(4 * spec.shape[0], fine), ConvNorm(fine, fine))
        self.middle = ConvNorm(fine, 2 * fine, stride=2)
        stride = settings.patch // 4
        self.patches = nn.Conv2d(2 * fine, width, stride, stride)
        self.layers = nn.ModuleList(WindowLayer(settings, shifted=number % 2 == 1) for number in range(settings.layers))
        self.norm = nn.LayerNorm(width)
        self.narrow = nn.Conv2d(width, 2 * fine, 1)
        self.join = ConvNorm(4 * fine, 2 * fine)
        self.last = ConvNorm(3 * fine, fine)
        self.spread = nn.Conv2d(fine, 4 * fine, 1)
        self.map_width = self.width = fine

    def forward(self, batch: Batch) -> Features:
        x = self.stem(batch)
        height, width = x.shape[2:]
        x = functional.pixel_unshuffle(padded_to(x, self.multiple), 2)
        fine = self.front(x)  # half the size
        middle = self.middle(fine)  # a quarter
        patches = self.patches(middle).permute(0, 2, 3, 1)
        for layer in self.layers:
            patches = layer(patches)
        found = self.narrow(self.norm(patches).permute(0, 3, 1, 2))
        found = functional.interpolate(found, middle.shape[2:], mode="bilinear", align_corners=False)
        joined = self.join(torch.cat([middle, found], dim=1))
        joined = functional.interpolate(joined, fine.shape[2:], mode="bilinear", align_corners=False)
        made = functional.relu(self.spread(self.last(torch.cat([fine, joined], dim=1))))
        made = functional.pixel_shuffle(made, 2)[:, :, :height, :width]
        return Features(made[:, :, 0, 0], map=made)


class SceneTransformer(Architecture):
    """Patches in shifting windows, with a convolutional front and a light decoder."""

    Settings = SceneTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SceneTransformerSettings:
        return SceneTransformerSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        small = SceneTransformerSettings(width=64, layers=2)
        return [
            Size(settings=SceneTransformerSettings(), passes=4 * self.fewest_passes),
            Size(settings=small, passes=self.fewest_passes, remark="smaller than usual, for the budget"),
        ]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return scene_recipe(inputs, 2e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SceneTransformerTrunk(inputs, settings)
