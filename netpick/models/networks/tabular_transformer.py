"""The feature-token transformer for tables: every column becomes a token (FT-Transformer, Gorishniy et al. 2021).

Sized for a processor: narrow tokens, two or three layers. The answer is read from a token of its own.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.errors import RequestError
from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Activation, EncoderLayer, activation_layer
from netpick.models.networks.table_inputs import CodeEmbedding, NumberEmbedding, Periodic, PiecewiseLinear
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class TabularTransformerSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=32, ge=1)  # of a token
    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    hidden: int = Field(default=64, ge=1)  # of the feed-forward part
    embedding: NumberEmbedding = "none"
    bins: int = Field(default=32, ge=2, le=4096)
    pooling: Literal["token", "mean"] = "token"
    activation: Activation = "gelu"
    dropout: float = Field(default=0.0, ge=0, lt=1)


class NumberTokens(nn.Module):
    """Numbers (B, F) to tokens (B, F, D): a direction per number, as long as the number is large."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.randn(features, width) / width**0.5)
        self.bias = nn.Parameter(torch.randn(features, width) / width**0.5)

    def forward(self, numbers: Tensor) -> Tensor:
        return numbers.unsqueeze(-1) * self.direction + self.bias


class TabularTransformerTrunk(Trunk):
    """Table rows to features (B, width)."""

    def __init__(self, inputs: Inputs, settings: TabularTransformerSettings) -> None:
        super().__init__()
        width = self.width = settings.width
        features = inputs["vector"].shape[0] if "vector" in inputs else 0
        self.numbers: nn.Module | None = None
        self.codes: nn.Module | None = None
        if features and settings.embedding == "ple":
            self.numbers = PiecewiseLinear(features, width, settings.bins)
        elif features and settings.embedding == "periodic":
            self.numbers = Periodic(features, width)
        elif features:
            self.numbers = NumberTokens(features, width)
        if "codes" in inputs:
            self.codes = CodeEmbedding(inputs["codes"].cardinalities, width)
        self.reads_token = settings.pooling == "token"
        self.answer_token = nn.Parameter(torch.randn(1, 1, width) / width**0.5) if self.reads_token else None
        self.layers = nn.ModuleList(
            EncoderLayer(width, settings.heads, settings.hidden, settings.dropout, settings.activation)
            for _ in range(settings.layers)
        )
        self.finish = nn.Sequential(nn.LayerNorm(width), activation_layer(settings.activation))

    def forward(self, batch: Batch) -> Features:
        parts: list[Tensor] = []
        if self.numbers is not None:
            parts.append(self.numbers(batch["vector"]).float())
        if self.codes is not None:
            parts.append(self.codes(batch["codes"]))
        if self.answer_token is not None:
            parts.insert(0, self.answer_token.expand(parts[0].shape[0], -1, -1))
        tokens = torch.cat(parts, dim=1)  # (B, 1 + F + K, D)
        for layer in self.layers:
            tokens = layer(tokens)
        return Features(self.finish(tokens[:, 0] if self.reads_token else tokens.mean(dim=1)))


class TabularTransformer(Architecture):
    """A transformer whose tokens are the columns."""

    Settings = TabularTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TabularTransformerSettings:
        small = num_rows < 2_000
        return TabularTransformerSettings(
            width=32, layers=2, heads=4, hidden=64, embedding="none" if small else "periodic", dropout=0.1
        )

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        batch_size = 32 if num_rows < 1_000 else 128 if num_rows < 10_000 else 256 if num_rows < 100_000 else 1024
        return Recipe(learning_rate=2e-3, schedule="cosine", batch_size=batch_size, weight_decay=1e-2)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        if settings.width % settings.heads:
            raise RequestError(
                f"The transformer's width {settings.width} is not a multiple of its {settings.heads} heads. "
                f"Write for example transformer[width={settings.heads * 8},heads={settings.heads}]."
            )
        return TabularTransformerTrunk(inputs, settings)
