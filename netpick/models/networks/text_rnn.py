"""The RNN of a text that goes on: simple, LSTM or GRU cells, whose state is carried from block to block in training.

Zaremba et al. 2014 and Merity et al. 2018 in small: the weights of symbols are tied, dropout is the same in all steps of a row, and the answers are
those of averaged weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Size
from netpick.models.networks.blocks import linear
from netpick.models.networks.text_network import (
    FEW_SYMBOLS,
    SMALL,
    SMALLEST,
    LockedDropout,
    TextArchitecture,
    TextTrunk,
    num_symbols,
    stream_recipe,
)
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

MANY_PASSES, DROPOUT_OF_MANY_PASSES = 5.0, 0.45
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"simple": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(config=STRICT, kw_only=True)
class StreamRnnSettings:
    """Settings of `rnn` on texts that go on."""

    cell: Literal["simple", "lstm", "gru"] = "lstm"
    layers: int = Field(default=1, ge=1, le=16)
    hidden: int = Field(default=256, ge=1)
    embedding: int = Field(default=128, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    sampled: int = Field(default=0, ge=0)  # symbols that training compares with; 0: all


class RecurrentTextTrunk(TextTrunk):
    """Recurrent layers, and a map back to the vectors of symbols."""

    carries = True

    def __init__(self, settings: StreamRnnSettings) -> None:
        super().__init__()
        self.width, self.cell = settings.embedding, settings.cell
        self.cells = CELLS[settings.cell](
            settings.embedding, settings.hidden, settings.layers, batch_first=True, dropout=0.0
        )
        self.between = LockedDropout(settings.dropout)
        self.out = linear(settings.hidden, settings.embedding)
        self.dropout, self.sampled = settings.dropout, settings.sampled
        for name, weight in self.cells.named_parameters():
            if name.startswith("bias_hh") and settings.cell == "lstm":  # open gates: what was seen is kept at first
                with torch.no_grad():
                    weight[settings.hidden : 2 * settings.hidden].fill_(1.0)

    def read(self, steps: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        given: Any = state if state is None or self.cell == "lstm" else state[0]
        states, ended = self.cells(steps, given)
        held = ended if isinstance(ended, tuple) else (ended,)
        return self.out(self.between(states)), tuple(part.float() for part in held)

    def state_shapes(self, rows: int) -> tuple[tuple[int, ...], ...]:
        shape = (self.cells.num_layers, rows, self.cells.hidden_size)
        return (shape, shape) if self.cell == "lstm" else (shape,)


class TextStreamRnn(TextArchitecture):
    """See the module."""

    Settings = StreamRnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> StreamRnnSettings:
        small, smallest = num_rows < SMALL, num_rows < SMALLEST
        if num_symbols(inputs) < FEW_SYMBOLS:
            hidden = 64 if smallest else 256 if small else 512
            return StreamRnnSettings(hidden=hidden, embedding=32 if smallest else 64, dropout=0.15)
        hidden, embedding = (64, 64) if smallest else (256, 128) if small else (512, 256)
        return StreamRnnSettings(hidden=hidden, embedding=embedding, dropout=0.2, sampled=2_000)

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Words that are read again and again are learned by heart, unless most features are dropped (Zaremba et al. 2014)."""
        sizes = super().sizes(inputs, num_rows, num_outputs, seconds)
        preset = self.presets(inputs, num_rows, num_outputs)
        if not preset.sampled:  # few symbols
            return sizes
        return [Size(settings=replace(preset, dropout=DROPOUT_OF_MANY_PASSES), passes=MANY_PASSES), *sizes]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        rate = 4e-3 if num_symbols(inputs) < FEW_SYMBOLS else 3e-3
        return stream_recipe(rate, num_rows, streams=32)

    def build(self, inputs: Inputs, settings: Any) -> TextTrunk:
        return RecurrentTextTrunk(settings)
