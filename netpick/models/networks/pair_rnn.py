"""The RNN of pairs: an LSTM reads the source both ways, another one writes the target and looks back at the source at each step.

Attention after Bahdanau et al. 2015 and Luong et al. 2015, laid out as in GNMT (Wu et al. 2016): the first layer of the decoder asks, and the second
reads what was found. So no step waits for the attention of the one before it, and all steps of a target that is known run in torch's own kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.blocks import Dropout, linear, reverse_valid
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


@dataclass(config=STRICT, kw_only=True)
class PairRnnSettings:
    """Settings of `rnn` on pairs of texts."""

    hidden: int = Field(default=256, ge=2)  # of the decoder; each direction of the encoder has half
    embedding: int = Field(default=192, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class PairRnnTrunk(PairTrunk):
    """Two layers on each side. What is kept of a source are its states and what they are asked by; a state is that of both layers of the
    decoder."""

    def __init__(self, settings: PairRnnSettings) -> None:
        super().__init__()
        hidden = settings.hidden
        self.width, self.dropout, self.each_way = settings.embedding, settings.dropout, max(1, hidden // 2)
        self.ahead, self.back = (_lstm(settings.embedding, self.each_way) for _ in range(2))
        self.above = _lstm(2 * self.each_way, hidden)
        self.asks = _lstm(settings.embedding, hidden)
        self.query, self.keys = linear(hidden, hidden), linear(hidden, hidden)
        self.writes = _lstm(2 * hidden, hidden)
        self.drop = Dropout(settings.dropout)
        self.out = linear(2 * hidden, settings.embedding)

    def read(self, source: Tensor, known: Tensor) -> Kept:
        ahead, _ = self.ahead(source)
        back, _ = self.back(reverse_valid(source, known))
        both = torch.cat([ahead, reverse_valid(back, known)], dim=2)
        above, _ = self.above(self.drop(both))
        states = above + both if both.shape == above.shape else above
        return states, self.keys(states)

    def taught(self, steps: Tensor, memory: Kept, known: Tensor) -> Tensor:
        asking, _ = self.asks(steps)
        found, _ = self._found(asking, memory, known)
        written, _ = self.writes(self.drop(torch.cat([asking, found], dim=2)))
        return self._features(written + asking, found)

    def begin(self, memory: Kept) -> Kept:
        return tuple(torch.zeros_like(memory[0][:, 0]) for _ in range(4))

    def step(self, vectors: Tensor, state: Kept, memory: Kept, known: Tensor) -> Said:
        asking, first = self.asks(vectors.unsqueeze(1), _given(state[:2]))
        found, weights = self._found(asking, memory, known)
        written, second = self.writes(torch.cat([asking, found], dim=2), _given(state[2:]))
        features = self._features(written + asking, found).squeeze(1)
        kept = tuple(part.squeeze(0) for part in (*first, *second))
        return Said(features=features, state=kept, attention=weights.squeeze(1))

    def _found(self, asking: Tensor, memory: Kept, known: Tensor) -> tuple[Tensor, Tensor]:
        states, keys = memory
        return attended(self.query(asking), keys, states, ~known[:, None, :])

    def _features(self, written: Tensor, found: Tensor) -> Tensor:
        return self.out(self.drop(torch.cat([written, found], dim=2)))  # type: ignore[no-any-return]


class PairRnn(PairArchitecture):
    """See the module."""

    Settings = PairRnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PairRnnSettings:
        if num_symbols(inputs) < FEW_SYMBOLS:
            return PairRnnSettings(hidden=64 if num_rows < SMALL else 128, embedding=32, dropout=0.1)
        hidden, embedding = (128, 96) if num_rows < SMALL else (256, 192)
        return PairRnnSettings(hidden=hidden, embedding=embedding, dropout=0.15)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return pair_recipe(3e-3 if num_symbols(inputs) >= FEW_SYMBOLS else 5e-3, inputs, num_rows)

    def build(self, inputs: Inputs, settings: Any) -> PairTrunk:
        return PairRnnTrunk(settings)


def _lstm(inputs: int, hidden: int) -> nn.LSTM:
    """With open gates: what was seen is kept at first."""
    made = nn.LSTM(inputs, hidden, batch_first=True)
    bias = dict(made.named_parameters())["bias_hh_l0"]
    with torch.no_grad():
        bias[hidden : 2 * hidden].fill_(1.0)
    return made


def _given(state: Kept) -> tuple[Tensor, Tensor]:
    """Hidden state and cell (B, H) as torch's kernel takes them."""
    hidden, cell = state
    return hidden.unsqueeze(0), cell.unsqueeze(0)
