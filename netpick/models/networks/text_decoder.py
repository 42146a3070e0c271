"""The transformer of a text that goes on: each step attends to those before it; norms in front, rotary positions, squared ReLU.

The recipe of small language models today (nanoGPT and its kin): RMS norms (Zhang & Sennrich 2019), rotary positions (Su et al. 2021),
squared ReLU (So et al. 2021), and matrices trained by Muon (Jordan et al. 2024).
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.blocks import check_heads, linear
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

ROTARY_BASE = 10_000.0
Turns = tuple[Tensor, Tensor]  # cosines and sines (S, D / heads / 2) of the steps
Past = tuple[Tensor, Tensor]  # keys, turned already, and values


@dataclass(config=STRICT, kw_only=True)
class TextDecoderSettings:
    """Settings of `transformer` on texts that go on."""

    layers: int = Field(default=4, ge=1, le=48)
    width: int = Field(default=128, ge=2)
    heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    sampled: int = Field(default=0, ge=0)


class CausalAttention(nn.Module):
    """(B, S, D) to the same, each step from itself and those before it, whose keys and values (B, heads, P, D / heads) may be given."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads = heads
        self.queries_keys_values = linear(width, 3 * width)
        self.out = linear(width, width)
        nn.init.zeros_(self.out.weight)  # every layer begins as nothing added

    def forward(self, steps: Tensor, turns: Turns, past: Past | None) -> tuple[Tensor, Past]:
        batch, length, width = steps.shape
        parts = self.queries_keys_values(steps).view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, S, D / heads) each
        queries, keys = turned(queries, turns), turned(keys, turns)
        if past is not None:
            keys, values = torch.cat([past[0], keys], dim=2), torch.cat([past[1], values], dim=2)
        scores = queries @ keys.transpose(2, 3) * (width // self.heads) ** -0.5
        place = torch.arange(keys.shape[2], device=steps.device)
        later = place[None, :] > place[keys.shape[2] - length :, None]
        weights = scores.float().masked_fill(later, float("-inf")).softmax(dim=-1).to(values.dtype)
        return self.out((weights @ values).transpose(1, 2).reshape(batch, length, width)), (keys, values)


class DecoderLayer(nn.Module):
    """Attention, then a feed-forward part, each behind a norm."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before, self.between = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attention = CausalAttention(width, heads)
        self.wide, self.narrow = linear(width, 4 * width, "relu"), linear(4 * width, width)
        nn.init.zeros_(self.narrow.weight)
        self.drop = nn.Dropout(dropout)

    def forward(self, steps: Tensor, turns: Turns, past: Past | None) -> tuple[Tensor, Past]:
        attended, held = self.attention(self.before(steps), turns, past)
        steps = steps + self.drop(attended)
        squared = functional.relu(self.wide(self.between(steps))).square()
        return steps + self.drop(self.narrow(squared)), held


class DecoderTrunk(TextTrunk):
    """Layers of attention to the past."""

    def __init__(self, settings: TextDecoderSettings) -> None:
        super().__init__()
        self.dropout, self.sampled = settings.dropout, settings.sampled
        self.width, self.heads = settings.width, settings.heads
        self.turns = settings.width // settings.heads // 2
        self.entry = nn.RMSNorm(settings.width)
        self.layers = nn.ModuleList(
            DecoderLayer(settings.width, settings.heads, settings.dropout) for _ in range(settings.layers)
        )
        self.norm, self.out = nn.RMSNorm(settings.width), linear(settings.width, settings.width)

    def read(self, steps: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        read = 0 if state is None else state[0].shape[2]
        place = torch.arange(read, read + steps.shape[1], device=steps.device, dtype=torch.float32)
        speed = ROTARY_BASE ** (-torch.arange(self.turns, device=steps.device) / max(1, self.turns))
        angles = place[:, None] * speed[None, :]
        turns = (angles.cos(), angles.sin())
        hidden, held = self.entry(steps), list[Tensor]()
        for number, layer in enumerate(self.layers):
            past = None if state is None else (state[2 * number], state[2 * number + 1])
            hidden, after = layer(hidden, turns, past)
            if state is not None:
                held += after
        return self.out(self.norm(hidden)), tuple(held)

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        """Keys and values of each layer, of as many steps as were read."""
        return ((rows, self.heads, 0, self.width // self.heads),) * (2 * len(self.layers))


class TextDecoder(TextArchitecture):
    """See the module."""

    Settings = TextDecoderSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TextDecoderSettings:
        width = 64 if num_rows < SMALL else 128
        if num_symbols(inputs) < FEW_SYMBOLS:
            return TextDecoderSettings(layers=4, width=width, heads=4, dropout=0.1)
        return TextDecoderSettings(layers=3, width=2 * width, heads=4, dropout=0.2, sampled=2_000)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return stream_recipe(2e-2, num_rows, streams=12, optimizer="muon")

    def build(self, inputs: Inputs, settings: Any) -> TextTrunk:
        return DecoderTrunk(settings)


def turned(steps: Tensor, turns: Turns) -> Tensor:
    """Features turned by angles that grow with their place; what is left over of an odd number stays."""
    cosine, sine = (turn.to(steps.dtype) for turn in turns)
    half = cosine.shape[1]
    first, second, rest = steps[..., :half], steps[..., half : 2 * half], steps[..., 2 * half :]
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine, rest], dim=-1)
