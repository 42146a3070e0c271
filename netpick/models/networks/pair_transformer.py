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

from netpick.models.networks.blocks import check_heads, linear
from netpick.models.networks.fused import AddDropped, RootMeanSquare, heads_turned, squared_relu
from netpick.models.networks.pair_network import (
    FEW_SYMBOLS,
    SMALL,
    TOKENS,
    Kept,
    PairArchitecture,
    PairTrunk,
    Said,
    attended,
    num_symbols,
    pair_recipe,
)
from netpick.models.networks.text_decoder import ROTARY_BASE
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

Turns = tuple[Tensor, Tensor]
# Dates to ISO, 13,600 pairs, exact match on 2,400 validation rows after 16 to 20 s on one thread: width 128, 1,024 symbols a step and dropout of
# 0.1 0.950, without dropout 0.970, width 64 as well 0.990; 440 symbols a step, after 16 s: 0.998 (0.977 with 1,024).
MANY_STRINGS = 50_000
TOKENS_OF_STRINGS = 448  # of targets, in a batch


@dataclass(config=STRICT, kw_only=True)
class PairTransformerSettings:
    """Settings of `transformer` on pairs of texts."""

    layers: int = Field(default=3, ge=1, le=24)  # of the encoder, and of the decoder
    width: int = Field(default=128, ge=2)
    heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class SelfAttention(nn.Module):
    """Steps (B, T, D) that look at those of their own side."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads = heads
        self.norm = RootMeanSquare()
        self.queries_keys_values, self.out = linear(width, 3 * width), linear(width, width)
        nn.init.zeros_(self.out.weight)  # every layer begins as nothing added

    def parts(self, steps: Tensor, turns: Turns) -> tuple[Tensor, ...]:
        """Queries, keys and values (B, heads, T, D / heads)."""
        return heads_turned(self.queries_keys_values(self.norm(steps)), self.heads, turns, 3).unbind(0)

    def looked(self, parts: tuple[Tensor, ...], hidden: Tensor) -> Tensor:
        """What is added to the steps (B, T, D)."""
        queries, keys, values = parts
        read, _ = attended(queries, keys, values, hidden)
        return self.out(read.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class CrossAttention(nn.Module):
    """Steps (B, T, D) of a target that look at those of its source (B, S, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = RootMeanSquare()
        self.queries, self.keys_values = linear(width, width), linear(width, 2 * width)
        self.out = linear(width, width)
        nn.init.zeros_(self.out.weight)

    def kept(self, source: Tensor) -> tuple[Tensor, ...]:
        """Keys and values (B, heads, S, D / heads)."""
        return heads_turned(self.keys_values(source), self.heads, None, 2).contiguous().unbind(0)

    def forward(self, steps: Tensor, kept: tuple[Tensor, ...], hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What is added to the steps, and what was looked at (B, heads, T, S)."""
        queries = heads_turned(self.queries(self.norm(steps)), self.heads, None, 1)[0]
        keys, values = kept
        read, weights = attended(queries, keys, values, hidden)
        return self.out(read.transpose(1, 2).flatten(2)), weights


class FeedForward(nn.Module):
    """A hidden layer of four times the width at each step."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = RootMeanSquare()
        self.wide, self.narrow = linear(width, 4 * width, "relu"), linear(4 * width, width)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, steps: Tensor) -> Tensor:
        return self.narrow(squared_relu(self.wide(self.norm(steps))))  # type: ignore[no-any-return]


class EncoderLayer(nn.Module):
    """Attention to all of a source, then a hidden layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.hidden, self.add = SelfAttention(width, heads), FeedForward(width), AddDropped(dropout)

    def forward(self, steps: Tensor, hidden: Tensor, turns: Turns) -> Tensor:
        steps = self.add(steps, self.attention.looked(self.attention.parts(steps, turns), hidden))
        return self.add(steps, self.hidden(steps))  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    """Attention to the target so far, then to the source, then a hidden layer."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.across = SelfAttention(width, heads), CrossAttention(width, heads)
        self.hidden, self.add = FeedForward(width), AddDropped(dropout)

    def forward(
        self, steps: Tensor, parts: tuple[Tensor, ...], source: tuple[Tensor, ...], hidden: Kept
    ) -> tuple[Tensor, Tensor]:
        """parts: queries of the steps, and keys and values of the target; hidden: what is not looked at of the target, and of the source."""
        steps = self.add(steps, self.attention.looked(parts, hidden[0]))
        read, weights = self.across(steps, source, hidden[1])
        steps = self.add(steps, read)
        return self.add(steps, self.hidden(steps)), weights


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
        self.read_norm, self.norm = RootMeanSquare(), RootMeanSquare()
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
            parts = layer.attention.parts(steps, turns)  # type: ignore[union-attr, operator]
            steps, _ = layer(steps, parts, memory[2 * place : 2 * place + 2], hidden)
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
            asking, *new = layer.attention.parts(steps, turns)  # type: ignore[union-attr, operator]
            whole = [torch.cat(both, dim=2) for both in zip(state[2 * place : 2 * place + 2], new, strict=True)]
            kept += whole
            steps, weights = layer(steps, (asking, *whole), memory[2 * place : 2 * place + 2], hidden)
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
            width = 64 if num_rows < MANY_STRINGS else 128
            return PairTransformerSettings(layers=2, width=width, heads=4)
        layers, width = (2, 64) if num_rows < SMALL else (3, 128)
        return PairTransformerSettings(layers=layers, width=width, heads=4, dropout=0.1)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        tokens = TOKENS_OF_STRINGS if num_symbols(inputs) < FEW_SYMBOLS else TOKENS
        return pair_recipe(2e-2, inputs, num_rows, optimizer="muon", tokens=tokens)

    def build(self, inputs: Inputs, settings: Any) -> PairTrunk:
        return PairTransformerTrunk(settings)
