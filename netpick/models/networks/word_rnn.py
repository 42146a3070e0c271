"""The RNN of words with tags: simple, GRU or LSTM cells, both ways (Graves 2012, Lample et al. 2016)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Trunk
from netpick.models.networks.rnn import RecurrentLayer, RnnSettings
from netpick.models.networks.word_stem import SMALL, WordArchitecture, WordSettings, WordTrunk
from netpick.types import STRICT, Inputs


@dataclass(config=STRICT, kw_only=True)
class WordRnnSettings(WordSettings):
    """Settings of `rnn` on words."""

    cell: Literal["simple", "lstm", "gru"] = "lstm"
    layers: int = Field(default=1, ge=1, le=16)
    width: int = Field(default=64, ge=1)  # of each direction
    bidirectional: bool = True
    recurrent_dropout: float = Field(default=0.0, ge=0, lt=1)


class WordRnnTrunk(WordTrunk):
    """Recurrent layers over the vectors of words, and these beside them."""

    def __init__(self, inputs: Inputs, settings: WordRnnSettings) -> None:
        width = settings.width * (2 if settings.bidirectional else 1)
        super().__init__(inputs, settings, width + settings.embedding)
        of_layer = RnnSettings(
            cell=settings.cell,
            width=settings.width,
            bidirectional=settings.bidirectional,
            recurrent_dropout=settings.recurrent_dropout,
        )
        sizes = [settings.embedding] + [width] * (settings.layers - 1)
        self.layers = nn.ModuleList(RecurrentLayer(size, of_layer) for size in sizes)

    def read(self, words: Tensor, mask: Tensor) -> Tensor:
        steps = words
        for number, layer in enumerate(self.layers):
            steps = layer(steps if number == 0 else self.drop(steps), mask)
        return torch.cat([steps, words], dim=2)  # what the word alone says is learned first


class WordRnn(WordArchitecture):
    """See the module."""

    Settings = WordRnnSettings
    rate = 4e-3

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> WordRnnSettings:
        layers = (
            2 if num_rows < 2 * SMALL else 1
        )  # of more rows a budget holds fewer passes, and one layer learned more in it
        return WordRnnSettings(
            layers=layers, width=100, embedding=64, letters=32, hidden_words=0.25, embedding_dropout=0.33, dropout=0.5
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return WordRnnTrunk(inputs, settings)
