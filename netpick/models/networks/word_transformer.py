"""The transformer of words with tags: an encoder over words and their places, with a small convolution in front (Vaswani et al. 2017)."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Trunk
from netpick.models.networks.blocks import EncoderLayer, check_heads
from netpick.models.networks.patch_transformer import sincos
from netpick.models.networks.word_stem import WordArchitecture, WordSettings, WordTrunk
from netpick.types import STRICT, Inputs


@dataclass(config=STRICT, kw_only=True)
class WordTransformerSettings(WordSettings):
    """Settings of `transformer` on words."""

    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    expansion: int = Field(default=2, ge=1)  # width of the feed-forward part, in widths
    context: int = Field(default=3, ge=1, le=15)  # neighbouring words that a convolution in front looks at


class WordTransformerTrunk(WordTrunk):
    """Attention over the vectors of words."""

    places: Tensor

    def __init__(self, inputs: Inputs, settings: WordTransformerSettings) -> None:
        width = settings.embedding
        check_heads(width, settings.heads)
        super().__init__(inputs, settings, width)
        self.register_buffer("places", 0.5 * sincos(torch.arange(inputs["words"].shape[0]), width), persistent=False)
        self.around = ((settings.context - 1) // 2, settings.context // 2)
        self.first = nn.Conv1d(width, width, settings.context)
        hidden = settings.expansion * width
        self.layers = nn.ModuleList(
            EncoderLayer(width, settings.heads, hidden, settings.dropout) for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)

    def read(self, words: Tensor, mask: Tensor) -> Tensor:
        near = self.first(functional.pad(words.transpose(1, 2), self.around)).transpose(1, 2)
        steps = words + functional.gelu(near) + self.places[: words.shape[1]]
        for layer in self.layers:
            steps = layer(steps, mask)
        return self.norm(steps)  # type: ignore[no-any-return]


class WordTransformer(WordArchitecture):
    """See the module."""

    Settings = WordTransformerSettings
    rate = 3e-3

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> WordTransformerSettings:
        return WordTransformerSettings(
            layers=2, embedding=64, letters=32, hidden_words=0.25, embedding_dropout=0.2, dropout=0.1
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return WordTransformerTrunk(inputs, settings)
