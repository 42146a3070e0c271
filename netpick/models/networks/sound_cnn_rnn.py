"""The hybrid for sounds: convolutions over time and pitch, whose columns a recurrent layer reads one after the other."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Dropout, masked_max, masked_mean
from netpick.models.networks.rnn import RecurrentLayer, RnnSettings
from netpick.models.networks.sound_cnn import SpectrogramCnnSettings, SpectrogramMaps
from netpick.models.networks.sound_stem import FORM, sound_recipe
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class CnnRnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    channels: int = Field(default=16, ge=1)  # of the CNN's first stage; each later stage has twice as many
    stages: int = Field(default=2, ge=1, le=6)  # each halves time and bands
    blocks: int = Field(default=1, ge=0, le=1000)  # residual blocks in each stage but the first
    kernel: int = Field(default=5, ge=1)  # of the first convolution
    cell: Literal["simple", "lstm", "gru"] = "gru"
    layers: int = Field(default=1, ge=1, le=1000)
    width: int = Field(default=64, ge=1)  # of each direction of the RNN
    bidirectional: bool = True
    dropout: float = Field(default=0.0, ge=0, lt=1)  # before every recurrent layer, and of the pooled features


class SpectrogramCnnRnnTrunk(Trunk):
    """Sounds (B, T, F) to steps (B, T', D) of a recurrent layer behind convolutions, and their means and maxima."""

    def __init__(self, inputs: Inputs, settings: CnnRnnSettings) -> None:
        super().__init__()
        self.maps = SpectrogramMaps(
            inputs[FORM],
            SpectrogramCnnSettings(
                width=settings.channels, stages=settings.stages, blocks=settings.blocks, kernel=settings.kernel
            ),
        )
        recurrent = RnnSettings(cell=settings.cell, width=settings.width, bidirectional=settings.bidirectional)
        width = settings.width * (2 if settings.bidirectional else 1)
        values = [self.maps.channels * self.maps.bands] + [width] * (settings.layers - 1)
        self.layers = nn.ModuleList(RecurrentLayer(count, recurrent) for count in values)
        self.dropout = Dropout(settings.dropout)
        self.step_width, self.width, self.group = width, 2 * width, self.maps.group

    def forward(self, batch: Batch) -> Features:
        maps, mask = self.maps(batch)
        steps = maps.permute(0, 2, 1, 3).flatten(2)  # (B, T', C * F')
        for layer in self.layers:
            steps = layer(self.dropout(steps), mask)
        pooled = torch.cat([masked_mean(steps, mask), masked_max(steps, mask)], dim=1)
        return Features(self.dropout(pooled), steps=steps, mask=mask)


class SpectrogramCnnRnn(Architecture):
    """Convolutions over time and bands, then a recurrent layer over time (CRNN, Cakir et al. 2017)."""

    Settings = CnnRnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> CnnRnnSettings:
        stages = max(1, min(3 if inputs[FORM].shape[0] > 160 else 2, inputs[FORM].shape[1].bit_length() - 3))
        return CnnRnnSettings(channels=16, stages=stages, blocks=1, cell="gru", width=64, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return sound_recipe(num_rows, 3e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SpectrogramCnnRnnTrunk(inputs, settings)
