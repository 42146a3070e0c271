"""The transformer of pairs: an encoder and a decoder (Vaswani et al. 2017), norms in front, rotary positions, squared ReLU.

Positions stand in attention within a side alone (Su et al. 2021); what a step of the target looks at in the source, it finds by content.
Matrices are trained by Muon (Jordan et al. 2024).
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.blocks import check_heads, linear
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
from netpick.models.networks.text_decoder import ROTARY_BASE, turned
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

Turns = tuple[Tensor, Tensor]


@dataclass(config=STRICT, kw_only=True)
class PairTransformerSettings:
    """Settings of `transformer` on pairs of texts."""

    layers: int = Field(default=3, ge=1, le=24)  # of the encoder, and of the decoder
    width: int = Field(default=128, ge=2)
    heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Attention(nn.Module):
    """Steps (B, T, D) that look at others (B, S, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads = heads
        self.queries, self.keys_values = linear(width, width), linear(width, 2 * width)
        self.out = linear(width, width)
        nn.init.zeros_(self.out.weight)  # every layer begins as nothing added

    def kept(self, steps: Tensor, turns: Turns | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values (B, heads, S, D / heads) of what is looked at."""
        keys, values = self._by_head(self.keys_values(steps), 2)
        return keys if turns is None else turned(keys, turns), values

    def forward(
        self, steps: Tensor, kept: tuple[Tensor, Tensor], hidden: Tensor, turns: Turns | None = None
    ) -> tuple[Tensor, Tensor]:
        """(B, T, D), and what was looked at (B, heads, T, S)."""
        (queries,) = self._by_head(self.queries(steps), 1)
        read, weights = attended(queries if turns is None else turned(queries, turns), *kept, hidden)
        return self.out(read.transpose(1, 2).flatten(2)), weights

    def _by_head(self, steps: Tensor, parts: int) -> tuple[Tensor, ...]:
        batch, length, width = steps.shape
        split = steps.view(batch, length, parts, self.heads, width // parts // self.heads)
        return split.permute(2, 0, 3, 1, 4).unbind(0)


class FeedForward(nn.Module):
    """A hidden layer of four times the width at each step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.wide, self.narrow = linear(width, 4 * width, "relu"), linear(4 * width, width)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, steps: Tensor) -> Tensor:
        return self.narrow(functional.relu(self.wide(self.norm(steps))).square())  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """Attention to all of a source, then a hidden layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.attention = nn.RMSNorm(width), Attention(width, heads)
        self.hidden, self.drop = FeedForward(width), nn.Dropout(dropout)

    def forward(self, steps: Tensor, hidden: Tensor, turns: Turns) -> Tensor:
        normed = self.norm(steps)
        steps = steps + self.drop(self.attention(normed, self.attention.kept(normed, turns), hidden, turns)[0])
        return steps + self.drop(self.hidden(steps))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """Attention to the target so far, then to the source, then a hidden layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.attention = nn.RMSNorm(width), Attention(width, heads)
        self.between, self.across = nn.RMSNorm(width), Attention(width, heads)
        self.hidden, self.drop = FeedForward(width), nn.Dropout(dropout)

    def kept(self, steps: Tensor, turns: Turns) -> tuple[Tensor, Tensor]:
        """Keys and values of steps of the target."""
        return self.attention.kept(self.norm(steps), turns)

    def forward(
        self, steps: Tensor, kept: tuple[Tensor, Tensor], source: tuple[Tensor, Tensor], hidden: Kept, turns: Turns
    ) -> tuple[Tensor, Tensor]:
        """hidden: what is not looked at of the target, and of the source."""
        steps = steps + self.drop(self.attention(self.norm(steps), kept, hidden[0], turns)[0])
        read, weights = self.across(self.between(steps), source, hidden[1])
        steps = steps + self.drop(read)
        return steps + self.drop(self.hidden(steps)), weights


class PairTransformerTrunk(PairTrunk):
    """As many layers on each side. What is kept of a source are the keys and values of each layer of the decoder; a state is those of
    the target so far."""

    def __init__(self, settings: PairTransformerSettings) -> None:
        super().__init__()
        self.width, self.dropout = settings.width, settings.dropout
        self.turning = settings.width // settings.heads // 2
        shape = (settings.width, settings.heads, settings.dropout)
        self.encoder = nn.ModuleList(EncoderLayer(*shape) for _ in range(settings.layers))
        self.decoder = nn.ModuleList(DecoderLayer(*shape) for _ in range(settings.layers))
        self.read_norm, self.norm = nn.RMSNorm(settings.width), nn.RMSNorm(settings.width)
        self.out = linear(settings.width, settings.width)

    def read(self, source: Tensor, known: Tensor) -> Kept:
        turns = self._turns(torch.arange(source.shape[1], device=source.device))
        hidden = ~known[:, None, None, :]
        steps = source
        for layer in self.encoder:
            steps = layer(steps, hidden, turns)
        normed = self.read_norm(steps)
        return tuple(part for layer in self.decoder for part in layer.across.kept(normed))  # type: ignore[union-attr, operator]

    def taught(self, steps: Tensor, memory: Kept, known: Tensor) -> Tensor:
        length = steps.shape[1]
        turns = self._turns(torch.arange(length, device=steps.device))
        later = torch.ones(length, length, dtype=torch.bool, device=steps.device).triu(1)
        hidden = (later, ~known[:, None, None, :])
        for place, layer in enumerate(self.decoder):
            steps, _ = layer(steps, layer.kept(steps, turns), memory[2 * place : 2 * place + 2], hidden, turns)  # type: ignore[operator]
        return self.out(self.norm(steps))  # type: ignore[no-any-return]

    def begin(self, memory: Kept) -> Kept:
        return tuple(part[:, :, :0] for part in memory)

    def step(self, vectors: Tensor, state: Kept, memory: Kept, known: Tensor) -> Said:
        turns = self._turns(
            torch.ones_like(state[0][0, 0, :, 0]).sum().view(1)
        )  # how many steps there were, in a graph too
        steps, kept, weights = vectors.unsqueeze(1), list[Tensor](), vectors
        hidden = (torch.zeros((), dtype=torch.bool, device=vectors.device), ~known[:, None, None, :])
        for place, layer in enumerate(self.decoder):
            new = layer.kept(steps, turns)  # type: ignore[operator]
            whole = tuple(torch.cat(both, dim=2) for both in zip(state[2 * place : 2 * place + 2], new, strict=True))
            kept += whole
            steps, weights = layer(steps, whole, memory[2 * place : 2 * place + 2], hidden, turns)
        features = self.out(self.norm(steps)).squeeze(1)
        return Said(features=features, state=tuple(kept), attention=weights.mean(dim=1).squeeze(1))

    def _turns(self, places: Tensor) -> Turns:
        """Cosines and sines (T, turning) of places (T,)."""
        speed = ROTARY_BASE ** (-torch.arange(self.turning, device=places.device) / max(1, self.turning))
        angles = places.to(torch.float32)[:, None] * speed[None, :]
        return angles.cos(), angles.sin()


class PairTransformer(PairArchitecture):
    """See the module."""

    Settings = PairTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PairTransformerSettings:
        if num_symbols(inputs) < FEW_SYMBOLS:
            return PairTransformerSettings(layers=2, width=64 if num_rows < SMALL else 128, heads=4, dropout=0.1)
        layers, width = (2, 64) if num_rows < SMALL else (3, 128)
        return PairTransformerSettings(layers=layers, width=width, heads=4, dropout=0.1)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return pair_recipe(2e-2, inputs, num_rows, optimizer="muon")

    def build(self, inputs: Inputs, settings: Any) -> PairTrunk:
        return PairTransformerTrunk(settings)
