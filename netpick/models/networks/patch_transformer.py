"""The transformer for images and series: both are cut into patches, and each patch is a token.

After ViT (Dosovitskiy et al. 2021) and PatchTST (Nie et al. 2023), with norms in front, means over the tokens instead of
a class token, and a small convolution in front of the patches (Xiao et al. 2021), which learns much faster from few steps.
"""

from __future__ import annotations

import math
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
from netpick.models.networks.blocks import Activation, Dropout, EncoderLayer, activation_layer, check_heads, masked_mean
from netpick.models.networks.stems import GridStem, SeriesStem, group_mask
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class PatchTransformerSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=64, ge=4, multiple_of=4)
    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    expansion: int = Field(default=2, ge=1)  # width of the feed-forward part, in widths
    patch: int = Field(default=4, ge=1)  # steps, or pixels a side, from one token to the next
    stem: Literal["linear", "conv"] = "linear"
    positions: Literal["sincos", "learned", "none"] = "sincos"
    activation: Activation = "gelu"
    dropout: float = Field(default=0.0, ge=0, lt=1)


def sincos(positions: Tensor, width: int) -> Tensor:
    """Positions (N,) as waves of falling frequency, (N, width) (Vaswani et al. 2017)."""
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(1000.0) / width))
    angles = positions.unsqueeze(1) * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


class GridPatches(nn.Module):
    """Images to tokens (B, h * w, D): one linear map per patch, or for `conv` as many strided convolutions as it takes."""

    def __init__(self, inputs: Inputs, settings: PatchTransformerSettings) -> None:
        super().__init__()
        channels, height, width = inputs["grid"].shape
        self.read = GridStem(inputs["grid"])
        self.size = (-(-height // settings.patch), -(-width // settings.patch))
        self.missing = (0, self.size[1] * settings.patch - width, 0, self.size[0] * settings.patch - height)
        layers: list[nn.Module] = []
        hidden, left = max(8, settings.width // 4), settings.patch  # pixels from one value of the map to the next token
        while settings.stem == "conv" and left % 2 == 0 and left > 2:
            kernel = 3 if layers else 5
            layers.append(nn.Conv2d(channels, hidden, kernel, 2, padding=kernel // 2, bias=False))
            layers += [nn.BatchNorm2d(hidden, momentum=0.3), activation_layer("relu")]
            channels, hidden, left = hidden, 2 * hidden, left // 2
        overlaps = settings.stem == "conv" and left == 2
        layers.append(nn.Conv2d(channels, settings.width, 3 if overlaps else left, left, padding=1 if overlaps else 0))
        self.layers = nn.Sequential(*layers)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        images = functional.pad(self.read(batch), self.missing)
        maps = self.layers(images.contiguous(memory_format=torch.channels_last))
        return maps.flatten(2).transpose(1, 2), None

    def positions(self, width: int) -> Tensor:
        """(h * w, width): half of the width for the row, half for the column."""
        rows, columns = torch.arange(self.size[0]), torch.arange(self.size[1])
        half = width // 2
        down = sincos(rows, half).repeat_interleave(len(columns), dim=0)
        return torch.cat([down, sincos(columns, half).repeat(len(rows), 1)], dim=1)


class SeriesPatches(nn.Module):
    """Series to tokens (B, T', D) and their mask: patches twice as long as their distance, so that neighbours overlap."""

    def __init__(self, inputs: Inputs, settings: PatchTransformerSettings) -> None:
        super().__init__()
        length, channels = inputs["series"].shape
        self.read = SeriesStem(inputs["series"])
        self.patch = settings.patch
        self.size = -(-length // settings.patch)
        self.first: nn.Module = nn.Identity()
        self.activation: nn.Module | None = None
        if settings.stem == "conv":
            self.first = nn.Conv1d(channels, settings.width, 5, padding=2)
            self.activation = activation_layer("gelu")
            channels = settings.width
        kernel = settings.patch if settings.patch == 1 else 2 * settings.patch
        self.project = nn.Conv1d(channels, settings.width, kernel, settings.patch)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        series, mask = self.read(batch)
        x = self.first(series.transpose(1, 2))  # (B, C, T)
        if self.activation is not None:
            x = self.activation(x)
            x = x if mask is None else x.masked_fill(~mask.unsqueeze(1), 0.0)
        missing = -x.shape[2] % self.patch  # a batch may be shorter than the spec says
        overlap = 0 if self.patch == 1 else self.patch
        tokens = self.project(functional.pad(x, (0, missing + overlap))).transpose(1, 2)
        if mask is not None:
            mask = group_mask(mask, self.patch).any(dim=2)
        return tokens, mask

    def positions(self, width: int) -> Tensor:
        """(T', width)."""
        return sincos(torch.arange(self.size), width)


class PatchTransformerTrunk(Trunk):
    """Images or series to tokens (B, T', D) and their mean."""

    positions: Tensor

    def __init__(self, inputs: Inputs, settings: PatchTransformerSettings) -> None:
        super().__init__()
        check_heads(settings.width, settings.heads)
        self.patches = GridPatches(inputs, settings) if "grid" in inputs else SeriesPatches(inputs, settings)
        places = self.patches.positions(settings.width)
        if settings.positions == "learned":
            self.positions = nn.Parameter(torch.randn_like(places) * 0.02)
        else:
            self.register_buffer("positions", places * (settings.positions == "sincos"), persistent=False)
        self.dropout = Dropout(settings.dropout)
        hidden = settings.expansion * settings.width
        self.layers = nn.ModuleList(
            EncoderLayer(settings.width, settings.heads, hidden, settings.dropout, settings.activation)
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.width)
        self.width = settings.width
        if isinstance(self.patches, SeriesPatches):
            self.step_width, self.group = settings.width, self.patches.patch

    def forward(self, batch: Batch) -> Features:
        tokens, mask = self.patches(batch)  # (B, T', D)
        tokens = self.dropout(tokens + self.positions[: tokens.shape[1]])
        for layer in self.layers:
            tokens = layer(tokens, mask)
        tokens = self.norm(tokens)
        return Features(masked_mean(tokens, mask), steps=tokens, mask=mask)


class PatchTransformer(Architecture):
    """Transformer over patches of images or series."""

    Settings = PatchTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PatchTransformerSettings:
        """At most 36 tokens of an image, some 32 of a series. MNIST on 2 cores: 98.6 % in 11 s."""
        if "grid" in inputs:
            side = max(inputs["grid"].shape[1:])
            # Single pixels make many tokens that say little; powers of two suit the strided convolutions.
            patch = 2 if side < 16 else 1 << ((side - 1) // 6).bit_length()
            return PatchTransformerSettings(width=64, layers=3, patch=patch, stem="conv", dropout=0.0)
        patch = max(1, round(inputs["series"].shape[0] / 32))
        return PatchTransformerSettings(width=64, layers=3, patch=patch, stem="conv", dropout=0.1)

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Images: wider and then finer with time, coarser without: in 20 s of a core 0.931 with 4 tokens, 0.921 with 16."""
        preset = self.presets(inputs, num_rows, num_outputs)
        side = max(inputs["grid"].shape[1:]) if "grid" in inputs else 0
        if side < 16:
            return [Size(settings=preset)]
        wide = replace(preset, width=128, layers=4)
        fine = replace(wide, patch=max(2, preset.patch // 2))
        coarse = replace(preset, layers=2, patch=2 * preset.patch)
        milliseconds = 1_000 * seconds * (os.cpu_count() or 1) / num_rows  # of one core, for all passes of an image
        # At least so many milliseconds a pass, half of what it takes on 28 x 28 pixels: a size beyond is not timed.
        larger = [
            Size(settings=settings, passes=passes)
            for settings, passes, least in ((fine, 15, 1.2), (wide, 10, 0.45))
            if passes * least <= milliseconds
        ]
        remark = "cuts the images into larger patches than usual, to fit the budget"
        return [*larger, Size(settings=preset, passes=5), Size(settings=coarse, remark=remark)]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """One-cycle; on images Muon (Jordan et al. 2024), where AdamW ends lower in equal time."""
        if "grid" in inputs:
            many = num_rows >= 20_000
            return Recipe(
                optimizer="muon",
                learning_rate=0.02 if many else 0.01,
                weight_decay=0.01,
                schedule="onecycle",
                warmup=0.2,
                batch_size=256 if many else 64,
                label_smoothing=0.1,
            )
        return Recipe(
            learning_rate=1e-3,
            weight_decay=0.05,
            schedule="onecycle",
            warmup=0.2,
            batch_size=16 if num_rows < 200 else 32,
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return PatchTransformerTrunk(inputs, settings)
