"""The MLP for forecasting: a linear map of the window, and beside it residual layers that see covariates too.

Without layers it is a single linear map of the normalised window, the DLinear / RLinear class (Zeng et al. 2023), which is
hard to beat on smooth seasonal series. The layers are those of N-BEATS and TiDE (Oreshkin et al. 2020; Das et al. 2023):
they read all steps at once, with the covariates brought down to a few numbers a step.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Batch, Features
from netpick.models.networks.blocks import Activation, Dropout, activation_layer, linear
from netpick.models.networks.forecast_heads import Decoder, num_targets, usual_decoder
from netpick.models.networks.forecast_network import Forecaster, WindowTrunk, forecast_recipe, window_part
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

COVARIATE_STEPS = 48  # to which the covariates of long windows are averaged


@dataclass(config=STRICT, kw_only=True)
class ForecastMlpSettings:
    """Size of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=64, ge=1)
    layers: int = Field(default=1, ge=0, le=1000)  # 0: the linear map alone, DLinear
    covariate_width: int = Field(default=4, ge=1)  # numbers that a step's covariates are brought down to
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    decoder: Decoder = "direct"  # steps: one network for all steps ahead


class ForecastMlpTrunk(WindowTrunk):
    """`series` (R, T, 1 + P) to (R, width); without layers, nothing but the last value, for the width of the interval."""

    def __init__(self, inputs: Inputs, settings: ForecastMlpSettings) -> None:
        super().__init__()
        self.decoder = settings.decoder
        steps, channels = inputs["series"].shape
        self.steps = min(steps, COVARIATE_STEPS)
        self.reads = settings.layers > 0
        self.plain = not self.reads
        self.covariates = nn.Linear(channels - 1, settings.covariate_width) if channels > 1 and self.reads else None
        size = steps + (self.steps * settings.covariate_width if self.covariates is not None else 0)
        self.width = settings.width if self.reads else 1
        if self.reads:
            self.first = linear(size, settings.width, settings.activation)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(settings.width),
                linear(settings.width, settings.width, settings.activation),
                activation_layer(settings.activation),
                Dropout(settings.dropout),
                linear(settings.width, settings.width),
            )
            for _ in range(settings.layers - 1)
        )
        self.activation = activation_layer(settings.activation)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: Batch) -> Features:
        series = batch["series"]
        if not self.reads:
            return Features(series[:, -1, :1])
        parts: list[Tensor] = [series[..., 0]]
        if self.covariates is not None:
            covariates = functional.adaptive_avg_pool1d(self.covariates(series[..., 1:]).transpose(1, 2), self.steps)
            parts.append(covariates.flatten(1))
        hidden = self.dropout(self.activation(self.first(torch.cat(parts, dim=1))))
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return Features(self.dropout(hidden))


class ForecastMlp(Forecaster):
    """Linear map and residual layers of windows."""

    Settings = ForecastMlpSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ForecastMlpSettings:
        """The linear map alone for several targets without covariates of their own; ETTh1: the layers only overfit."""
        if num_targets(inputs) > 1:
            return ForecastMlpSettings(layers=0)
        if num_rows < 1_000:
            return ForecastMlpSettings(width=32, layers=1, dropout=0.2, decoder=usual_decoder(inputs, num_rows))
        return ForecastMlpSettings(width=128, layers=2, dropout=0.2, decoder=usual_decoder(inputs, num_rows))

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        rate = 5e-3 if num_targets(inputs) > 1 else 2e-3
        return forecast_recipe(inputs, num_rows, rate)

    def build(self, inputs: Inputs, settings: Any) -> ForecastMlpTrunk:
        return ForecastMlpTrunk(window_part(inputs), settings)
