"""The CNN of pairs (ConvS2S: Gehring et al. 2017): gated convolutions over the source, and over the target so far; each layer of the decoder looks at the source.

Positions are sines and cosines that are added to the vectors of symbols (Vaswani et al. 2017): a convolution does not know where it stands.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.blocks import Dropout, linear
from netpick.models.networks.pair_network import (
    FEW_SYMBOLS,
    SMALL,
    Kept,
    PairArchitecture,
    PairTrunk,
    Said,
    attended,
    num_symbols,
    pair_recipe,
)
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

SLOWEST = 10_000.0


@dataclass(config=STRICT, kw_only=True)
class PairConvolutionSettings:
    """Settings of `cnn` on pairs of texts."""

    layers: int = Field(default=3, ge=1, le=24)  # of the encoder, and of the decoder
    kernel: int = Field(default=3, ge=2, le=31)
    width: int = Field(default=192, ge=2)
    embedding: int = Field(default=128, ge=2)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Gated(nn.Module):
    """(B, S + reach, D) to (B, S, D): a gated convolution, norm in front."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, 2 * width, kernel)

    def forward(self, normed: Tensor) -> Tensor:
        return functional.glu(self.convolution(normed.transpose(1, 2)), dim=1).transpose(1, 2)


class Writing(nn.Module):
    """A layer of the decoder: a convolution over the target so far, then a look at the source."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.gated, self.between = Gated(width, kernel), nn.LayerNorm(width)
        self.query, self.out, self.drop = linear(width, width), linear(width, width), Dropout(dropout)

    def forward(self, steps: Tensor, before: Tensor, memory: Kept, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Steps (B, T, D), what was convolved in all, and what was looked at. before: (B, kernel - 1, D), what was convolved before them."""
        normed = torch.cat([before, self.gated.norm(steps)], dim=1)
        steps = steps + self.drop(self.gated(normed))
        found, weights = attended(self.query(self.between(steps)), memory[0], memory[1], hidden)
        return steps + self.drop(self.out(found)), normed, weights


class PairConvolutionTrunk(PairTrunk):
    """As many layers on each side. What is kept of a source are keys and values; a state is how many steps there were, and what each layer of the
    decoder convolved last."""

    def __init__(self, settings: PairConvolutionSettings) -> None:
        super().__init__()
        self.width, self.dropout, self.reach = settings.embedding, settings.dropout, settings.kernel - 1
        width = settings.width
        self.source_entry, self.entry = linear(settings.embedding, width), linear(settings.embedding, width)
        self.encoder = nn.ModuleList(Gated(width, settings.kernel) for _ in range(settings.layers))
        self.decoder = nn.ModuleList(Writing(width, settings.kernel, settings.dropout) for _ in range(settings.layers))
        self.read_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.keys, self.values = linear(width, width), linear(width, width)
        self.drop, self.out = Dropout(settings.dropout), linear(width, settings.embedding)

    def read(self, source: Tensor, known: Tensor) -> Kept:
        there = known.unsqueeze(2).to(source.dtype)
        places = torch.arange(source.shape[1], device=source.device).view(1, -1)
        first = self.source_entry(source + self._places(places, source))
        steps = first
        for layer in self.encoder:
            normed = layer.norm(steps) * there  # type: ignore[operator]
            padded = functional.pad(normed, (0, 0, self.reach - self.reach // 2, self.reach // 2))
            steps = steps + self.drop(layer(padded))
        normed = self.read_norm(steps)
        return self.keys(normed), self.values(normed) + first

    def taught(self, steps: Tensor, memory: Kept, known: Tensor) -> Tensor:
        places = torch.arange(steps.shape[1], device=steps.device).view(1, -1)
        features, _, _ = self._written(steps, places, self.begin(memory)[1:], memory, known)
        return features

    def begin(self, memory: Kept) -> Kept:
        nothing = memory[0].new_zeros((len(memory[0]), self.reach, memory[0].shape[2]))
        return (nothing[:, 0, :1].float(), *(nothing for _ in self.decoder))

    def step(self, vectors: Tensor, state: Kept, memory: Kept, known: Tensor) -> Said:
        places, *before = state
        features, kept, weights = self._written(vectors.unsqueeze(1), places, tuple(before), memory, known)
        return Said(features=features.squeeze(1), state=(places + 1, *kept), attention=weights.squeeze(1))

    def _written(
        self, steps: Tensor, places: Tensor, before: Kept, memory: Kept, known: Tensor
    ) -> tuple[Tensor, Kept, Tensor]:
        steps = self.entry(steps + self._places(places, steps))
        kept, weights, hidden = list[Tensor](), steps, ~known[:, None, :]
        for layer, part in zip(self.decoder, before, strict=True):
            steps, convolved, weights = layer(steps, part, memory, hidden)
            kept.append(convolved[:, -self.reach :])
        return self.out(self.drop(self.norm(steps))), tuple(kept), weights

    def _places(self, places: Tensor, like: Tensor) -> Tensor:
        """(B or 1, T, E) of places (B or 1, T)."""
        speed = torch.arange(0, self.width, 2, device=places.device) * (-math.log(SLOWEST) / self.width)
        angles = places.to(torch.float32).unsqueeze(2) * speed.exp()
        waves = torch.stack([angles.sin(), angles.cos()], dim=3).flatten(2)
        return waves[..., : self.width].to(like.dtype)


class PairCnn(PairArchitecture):
    """See the module."""

    Settings = PairConvolutionSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PairConvolutionSettings:
        if num_symbols(inputs) < FEW_SYMBOLS:
            width = 64 if num_rows < SMALL else 128
            return PairConvolutionSettings(layers=3, kernel=5, width=width, embedding=64, dropout=0.1)
        width, embedding = (96, 64) if num_rows < SMALL else (192, 128)
        return PairConvolutionSettings(layers=3, kernel=3, width=width, embedding=embedding, dropout=0.15)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return pair_recipe(2e-3, inputs, num_rows)

    def build(self, inputs: Inputs, settings: Any) -> PairTrunk:
        return PairConvolutionTrunk(settings)
