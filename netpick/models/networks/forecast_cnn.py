"""The CNN for forecasting: dilated causal convolutions, the TCN of Bai et al. (2018), on patches of the window.

Each block looks twice as far back as the one before, so few of them see the whole window; the last step has seen it all.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Batch, Features
from netpick.models.networks.blocks import Activation, Dropout, activation_layer
from netpick.models.networks.forecast_heads import Decoder, usual_decoder
from netpick.models.networks.forecast_network import Forecaster, WindowTrunk, forecast_recipe, window_part
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

MOST_STEPS = 64  # after patching


@dataclass(config=STRICT, kw_only=True)
class ForecastCnnSettings:
    """Size of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=32, ge=1)
    blocks: int = Field(default=4, ge=1, le=1000)
    kernel: int = Field(default=3, ge=2)
    patch: int = Field(default=1, ge=1)  # steps that the first convolution makes into one
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the pooled features
    decoder: Decoder = "direct"  # steps: one network for all steps ahead


class CausalBlock(nn.Module):
    """Two dilated convolutions that see no later step, and a way around them."""

    def __init__(self, settings: ForecastCnnSettings, dilation: int) -> None:
        super().__init__()
        self.before = (settings.kernel - 1) * dilation
        width = settings.width
        convolutions = [nn.Conv1d(width, width, settings.kernel, dilation=dilation) for _ in range(2)]
        nn.init.zeros_(convolutions[1].weight)  # every block begins as the way around it
        self.convolutions = nn.ModuleList(convolutions)
        self.activation = activation_layer(settings.activation, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for convolution in self.convolutions:
            out = convolution(functional.pad(self.activation(out), (self.before, 0)))
        return x + out


class ForecastCnnTrunk(WindowTrunk):
    """`series` (R, T, 1 + P) to the last step and the mean of the steps (R, 2 * width)."""

    def __init__(self, inputs: Inputs, settings: ForecastCnnSettings) -> None:
        super().__init__()
        self.decoder = settings.decoder
        _, channels = inputs["series"].shape
        self.patch = settings.patch
        self.first = nn.Conv1d(channels, settings.width, settings.patch, settings.patch)
        self.blocks = nn.ModuleList(CausalBlock(settings, 2**i) for i in range(settings.blocks))
        self.activation = activation_layer(settings.activation, dim=1)
        self.dropout = Dropout(settings.dropout)
        self.width = 2 * settings.width

    def forward(self, batch: Batch) -> Features:
        series = batch["series"].transpose(1, 2)  # (R, 1 + P, T)
        # Patches end at the origin; what does not fill one stands at the beginning.
        x = self.first(functional.pad(series, (-series.shape[2] % self.patch, 0)))
        for block in self.blocks:
            x = block(x)
        x = self.activation(x)
        return Features(self.dropout(torch.cat([x[..., -1], x.mean(dim=2)], dim=1)), steps=x.transpose(1, 2))


class ForecastCnn(Forecaster):
    """Temporal convolutional network on windows."""

    Settings = ForecastCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ForecastCnnSettings:
        steps = inputs["window"].shape[0]
        patch = max(1, round(steps / MOST_STEPS))
        blocks = max(2, min(6, (steps // patch // 2).bit_length()))
        width = 16 if num_rows < 1_000 else 32
        return ForecastCnnSettings(
            width=width,
            blocks=blocks,
            patch=patch,
            dropout=0.1 if num_rows >= 1_000 else 0.2,
            decoder=usual_decoder(inputs, num_rows),
        )

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return forecast_recipe(inputs, num_rows, 2e-3)

    def build(self, inputs: Inputs, settings: Any) -> ForecastCnnTrunk:
        return ForecastCnnTrunk(window_part(inputs), settings)
