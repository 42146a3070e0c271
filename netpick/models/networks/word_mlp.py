"""The MLP of words with tags: a window of a few words around each, and hidden layers (Collobert et al. 2011)."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Trunk
from netpick.models.networks.blocks import linear
from netpick.models.networks.word_stem import WordArchitecture, WordSettings, WordTrunk
from netpick.types import STRICT, Inputs


@dataclass(config=STRICT, kw_only=True)
class WordMlpSettings(WordSettings):
    """Settings of `mlp` on words."""

    window: int = Field(default=5, ge=1, le=63)  # words that are looked at, the word itself in the middle
    layers: int = Field(default=1, ge=1, le=16)
    hidden: int = Field(default=128, ge=1)


class WordMlpTrunk(WordTrunk):
    """The vectors of a window side by side to hidden layers."""

    def __init__(self, inputs: Inputs, settings: WordMlpSettings) -> None:
        super().__init__(inputs, settings, settings.hidden)
        self.around = ((settings.window - 1) // 2, settings.window // 2)
        self.first = nn.Conv1d(settings.embedding, settings.hidden, settings.window)
        nn.init.normal_(self.first.weight, std=(2 / (settings.window * settings.embedding)) ** 0.5)
        self.hidden = nn.ModuleList(
            linear(settings.hidden, settings.hidden, "gelu") for _ in range(settings.layers - 1)
        )

    def read(self, words: Tensor, mask: Tensor) -> Tensor:
        steps = functional.gelu(self.first(functional.pad(words.transpose(1, 2), self.around))).transpose(1, 2)
        for layer in self.hidden:
            steps = steps + functional.gelu(layer(self.drop(steps)))
        return steps


class WordMlp(WordArchitecture):
    """See the module."""

    Settings = WordMlpSettings
    rate = 3e-3

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> WordMlpSettings:
        return WordMlpSettings(
            window=5, hidden=128, embedding=64, letters=32, hidden_words=0.25, embedding_dropout=0.3, dropout=0.5
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return WordMlpTrunk(inputs, settings)
