"""The CNN of a text that goes on: gated convolutions that look back, each twice as far as the one before it.

Gates as in Dauphin et al. 2017, steps between what is looked at as in the TCN of Bai et al. 2018.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.blocks import linear
from netpick.models.networks.text_network import (
    FEW_SYMBOLS,
    SMALL,
    TextArchitecture,
    TextTrunk,
    num_symbols,
    stream_recipe,
)
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class TextConvolutionSettings:
    """Settings of `cnn` on texts that go on."""

    layers: int = Field(default=4, ge=1, le=24)
    kernel: int = Field(default=3, ge=2, le=64)
    width: int = Field(default=128, ge=1)
    embedding: int = Field(default=64, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    sampled: int = Field(default=0, ge=0)


class GatedConvolution(nn.Module):
    """(B, D, S) to the same, each step from itself and those before it."""

    def __init__(self, width: int, kernel: int, apart: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) * apart
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, 2 * width, kernel, dilation=apart)

    def forward(self, steps: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """past: (B, D, reach) of the steps before; zeros where there is none. What comes back is that of the next."""
        normed = self.norm(steps.transpose(1, 2)).transpose(1, 2)
        whole = functional.pad(normed, (self.reach, 0)) if past is None else torch.cat([past, normed], dim=2)
        return functional.glu(self.convolution(whole), dim=1), whole[:, :, whole.shape[2] - self.reach :]


class ConvolutionalTrunk(TextTrunk):
    """Gated convolutions, one added to the other."""

    def __init__(self, settings: TextConvolutionSettings) -> None:
        super().__init__()
        self.dropout, self.sampled = settings.dropout, settings.sampled
        self.width, self.channels = settings.embedding, settings.width
        self.entry = linear(settings.embedding, settings.width)
        self.kernel, self.apart = settings.kernel, [2 ** min(layer, 12) for layer in range(settings.layers)]
        self.layers = nn.ModuleList(GatedConvolution(settings.width, settings.kernel, apart) for apart in self.apart)
        self.drop = nn.Dropout(settings.dropout)
        self.norm = nn.LayerNorm(settings.width)
        self.out = linear(settings.width, settings.embedding)

    def read(self, steps: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        hidden, held = self.entry(steps).transpose(1, 2), list[Tensor]()
        for number, layer in enumerate(self.layers):
            added, after = layer(hidden, None if state is None else state[number])
            hidden = hidden + self.drop(added)
            if state is not None:
                held.append(after)
        return self.out(self.norm(hidden.transpose(1, 2))), tuple(held)

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        """What each layer looks back at."""
        return tuple((rows, self.channels, (self.kernel - 1) * apart) for apart in self.apart)


class TextCausalCnn(TextArchitecture):
    """See the module."""

    Settings = TextConvolutionSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextConvolutionSettings:
        width = 96 if num_rows < SMALL else 192
        if num_symbols(inputs) < FEW_SYMBOLS:
            return TextConvolutionSettings(layers=5, kernel=3, width=width, embedding=64, dropout=0.1)
        return TextConvolutionSettings(layers=4, kernel=3, width=width, embedding=128, dropout=0.2, sampled=2_000)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return stream_recipe(3e-3, num_rows)

    def build(self, inputs: Inputs, settings: Any) -> TextTrunk:
        return ConvolutionalTrunk(settings)
