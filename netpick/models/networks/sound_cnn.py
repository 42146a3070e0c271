"""The CNN for sounds: residual convolutions over time and pitch.

A batch may be shorter than the longest sound, and what comes behind a sound's end has no part in any feature.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer, masked_max, masked_mean
from netpick.models.networks.grid_cnn import ConvNorm, GridCnnSettings
from netpick.models.networks.sound_stem import FORM, SpectrogramStem, sound_recipe
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class SpectrogramCnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=16, ge=1)  # channels of the first stage; each later stage has twice as many
    stages: int = Field(default=3, ge=1, le=6)  # each halves time and bands
    blocks: int = Field(default=1, ge=0, le=1000)  # residual blocks in each stage but the first
    kernel: int = Field(default=5, ge=1)  # of the first convolution
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the pooled features


class MaskedMap(nn.Module):
    """A convolution with norm and activation on (B, C, T, F); its output is zero behind a sound's end.

    With zeros there before every convolution, nothing depends on how far a batch is padded.
    """

    def __init__(self, inputs: int, outputs: int, settings: SpectrogramCnnSettings, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = ConvNorm(inputs, outputs, GridCnnSettings(), kernel, stride)
        self.activation = activation_layer(settings.activation, dim=1)
        self.stride = stride

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The map, and its mask (B, ceil(T / stride))."""
        mask = mask[:, :: self.stride]
        residual = x if self.stride == 1 and x.shape[1] == self.convolution[0].out_channels else None
        made = self.convolution(x)
        made = self.activation(made if residual is None else residual + made)
        return made * mask[:, None, :, None], mask


class SpectrogramMaps(nn.Module):
    """Stages of residual convolutions over time and bands: (B, T, F) to (B, C, T', F') and the mask (B, T')."""

    def __init__(self, spec: InputSpec, settings: SpectrogramCnnSettings) -> None:
        super().__init__()
        self.stem = SpectrogramStem(spec)
        layers: list[MaskedMap] = []
        channels, outputs, bands = 1, settings.width, spec.shape[1]
        for stage in range(settings.stages):
            kernel = settings.kernel | 1 if stage == 0 else 3
            layers.append(MaskedMap(channels, outputs, settings, kernel, 2))
            layers += [MaskedMap(outputs, outputs, settings, 3, 1) for _ in range(settings.blocks if stage else 0)]
            channels, outputs, bands = outputs, 2 * outputs, -(-bands // 2)
        self.layers = nn.ModuleList(layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.channels, self.bands, self.group = channels, bands, 2**settings.stages

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        frames, mask = self.stem(batch)
        x = frames.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x, mask = layer(x, mask)
        return x, mask


class SpectrogramCnnTrunk(Trunk):
    """Sounds (B, T, F) to a map (B, C, T', F') and its means and maxima over time; each band keeps its own."""

    def __init__(self, inputs: Inputs, settings: SpectrogramCnnSettings) -> None:
        super().__init__()
        self.maps = SpectrogramMaps(inputs[FORM], settings)
        self.dropout = Dropout(settings.dropout)
        self.map_width, self.step_width = self.maps.channels, self.maps.channels * self.maps.bands
        self.width, self.group = 2 * self.step_width, self.maps.group

    def forward(self, batch: Batch) -> Features:
        maps, mask = self.maps(batch)
        steps = maps.permute(0, 2, 1, 3).flatten(2)  # (B, T', C * F')
        pooled = torch.cat([masked_mean(steps, mask), masked_max(steps, mask)], dim=1)
        return Features(self.dropout(pooled), steps=steps, mask=mask, map=maps)


class SpectrogramCnn(Architecture):
    """Residual 2-d network on spectrograms: it finds shapes wherever they are in time, but knows which bands they are in."""

    Settings = SpectrogramCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SpectrogramCnnSettings:
        """About 8 bands and a tenth of a second per value of the last map."""
        stages = max(1, min(3, inputs[FORM].shape[1].bit_length() - 3))
        return SpectrogramCnnSettings(width=16, stages=stages, blocks=1, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return sound_recipe(num_rows, 4e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SpectrogramCnnTrunk(inputs, settings)
