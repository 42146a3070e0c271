"""The MLP of a text that goes on: the vectors of the last few symbols side by side, and hidden layers (Bengio et al. 2003)."""

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
class TextWindowSettings:
    """Settings of `mlp` on texts that go on."""

    window: int = Field(default=4, ge=1, le=256)  # symbols that a step sees
    layers: int = Field(default=1, ge=1, le=16)
    hidden: int = Field(default=256, ge=1)
    embedding: int = Field(default=64, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    sampled: int = Field(default=0, ge=0)


class WindowTrunk(TextTrunk):
    """The last symbols of every step to a hidden layer: a convolution that looks back."""

    def __init__(self, settings: TextWindowSettings) -> None:
        super().__init__()
        self.dropout, self.sampled = settings.dropout, settings.sampled
        self.width, self.window = settings.embedding, settings.window
        self.first = nn.Conv1d(settings.embedding, settings.hidden, settings.window)
        nn.init.normal_(self.first.weight, std=(2 / (settings.window * settings.embedding)) ** 0.5)
        self.hidden = nn.ModuleList(
            linear(settings.hidden, settings.hidden, "gelu") for _ in range(settings.layers - 1)
        )
        self.out = linear(settings.hidden, settings.embedding)
        self.drop = nn.Dropout(settings.dropout)

    def read(self, steps: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        read, reach = steps.transpose(1, 2), self.window - 1
        whole = torch.cat([state[0], read], dim=2) if state else functional.pad(read, (reach, 0))
        hidden = functional.gelu(self.first(whole)).transpose(1, 2)
        for layer in self.hidden:
            hidden = hidden + functional.gelu(layer(self.drop(hidden)))
        return self.out(self.drop(hidden)), (whole[:, :, whole.shape[2] - reach :],) if state else ()

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        """The vectors of the symbols that a window looks back at."""
        return ((rows, self.width, self.window - 1),) if self.window > 1 else ()


class TextWindowMlp(TextArchitecture):
    """See the module."""

    Settings = TextWindowSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextWindowSettings:
        hidden = 256 if num_rows < SMALL else 512
        if num_symbols(inputs) < FEW_SYMBOLS:
            return TextWindowSettings(window=10, layers=2, hidden=hidden, embedding=32, dropout=0.1)
        return TextWindowSettings(window=4, layers=1, hidden=hidden, embedding=128, dropout=0.2, sampled=2_000)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return stream_recipe(3e-3, num_rows)

    def build(self, inputs: Inputs, settings: Any) -> TextTrunk:
        return WindowTrunk(settings)
