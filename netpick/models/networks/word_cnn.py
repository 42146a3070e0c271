"""The CNN of words with tags: dilated convolutions that look to both sides, each layer twice as far (Strubell et al. 2017)."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Trunk
from netpick.models.networks.text_cnn import DilatedLayer
from netpick.models.networks.word_stem import WordArchitecture, WordSettings, WordTrunk
from netpick.types import STRICT, Inputs


@dataclass(config=STRICT, kw_only=True)
class WordCnnSettings(WordSettings):
    """Settings of `cnn` on words."""

    layers: int = Field(default=3, ge=1, le=10)  # of width 3, each twice as far apart


class WordCnnTrunk(WordTrunk):
    """Residual layers over the vectors of words."""

    def __init__(self, inputs: Inputs, settings: WordCnnSettings) -> None:
        super().__init__(inputs, settings, settings.embedding)
        self.layers = nn.ModuleList(
            DilatedLayer(settings.embedding, 1 << layer, "gelu") for layer in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.embedding)

    def read(self, words: Tensor, mask: Tensor) -> Tensor:
        steps = words.transpose(1, 2)
        for layer in self.layers:
            steps = layer(steps, mask)
        return self.norm(steps.transpose(1, 2))  # type: ignore[no-any-return]


class WordCnn(WordArchitecture):
    """See the module."""

    Settings = WordCnnSettings
    rate = 3e-3

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> WordCnnSettings:
        return WordCnnSettings(
            layers=3, embedding=64, letters=32, hidden_words=0.25, embedding_dropout=0.4, dropout=0.5
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return WordCnnTrunk(inputs, settings)
