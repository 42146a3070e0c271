"""The transformer for forecasting: patches of the window are tokens, after PatchTST (Nie et al. 2023).

All tokens side by side make the features, so that each keeps its place in time.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn
from torch.nn import functional

from netpick.models.networks.base import Batch, Features
from netpick.models.networks.blocks import Dropout, EncoderLayer, check_heads, linear
from netpick.models.networks.forecast_heads import Decoder, usual_decoder
from netpick.models.networks.forecast_network import Forecaster, WindowTrunk, forecast_recipe, window_part
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

MOST_TOKENS = 32


@dataclass(config=STRICT, kw_only=True)
class ForecastTransformerSettings:
    """Size of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=16, ge=4, multiple_of=4)
    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    expansion: int = Field(default=4, ge=1)  # width of the feed-forward part, in widths
    patch: int = Field(default=8, ge=1)  # steps from one token to the next; a token reads twice as many
    dropout: float = Field(default=0.0, ge=0, lt=1)
    decoder: Decoder = "direct"  # steps: one network for all steps ahead


class ForecastTransformerTrunk(WindowTrunk):
    """`series` (R, T, 1 + P) to its tokens side by side (R, T' * width)."""

    def __init__(self, inputs: Inputs, settings: ForecastTransformerSettings) -> None:
        super().__init__()
        self.decoder = settings.decoder
        check_heads(settings.width, settings.heads)
        steps, channels = inputs["series"].shape
        self.patch = settings.patch
        self.overlap = settings.patch if settings.patch > 1 else 0
        tokens = -(-steps // settings.patch)
        self.project = linear((settings.patch + self.overlap) * channels, settings.width)
        self.positions = nn.Parameter(torch.randn(tokens, settings.width) * 0.02)
        layers = [
            EncoderLayer(settings.width, settings.heads, settings.expansion * settings.width, settings.dropout)
            for _ in range(settings.layers)
        ]
        for layer in layers:
            layer.attention.dropout = 0.0  # torch draws it a number at a time, a fifth of the whole step
        self.layers = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(settings.width)
        self.dropout = Dropout(settings.dropout)
        self.width = tokens * settings.width

    def forward(self, batch: Batch) -> Features:
        series = batch["series"].transpose(1, 2)  # (R, 1 + P, T)
        missing = -series.shape[2] % self.patch
        padded = functional.pad(series, (missing + self.overlap, 0), mode="replicate")
        patches = padded.unfold(2, self.patch + self.overlap, self.patch)  # (R, 1 + P, T', size)
        tokens = self.dropout(self.project(patches.transpose(1, 2).flatten(2)) + self.positions)
        for layer in self.layers:
            tokens = layer(tokens)
        tokens = self.norm(tokens)
        return Features(self.dropout(tokens.flatten(1)), steps=tokens)


class ForecastTransformer(Forecaster):
    """Transformer over patches of windows."""

    Settings = ForecastTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ForecastTransformerSettings:
        patch = max(1, round(inputs["window"].shape[0] / MOST_TOKENS))
        if num_rows < 1_000:
            return ForecastTransformerSettings(
                width=16, layers=1, patch=patch, dropout=0.2, decoder=usual_decoder(inputs, num_rows)
            )
        return ForecastTransformerSettings(
            width=16, layers=2, patch=patch, dropout=0.2, decoder=usual_decoder(inputs, num_rows)
        )

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        rate = 3e-3 if num_rows >= 1_000 else 1e-3
        return forecast_recipe(inputs, num_rows, rate)

    def build(self, inputs: Inputs, settings: Any) -> ForecastTransformerTrunk:
        return ForecastTransformerTrunk(window_part(inputs), settings)
