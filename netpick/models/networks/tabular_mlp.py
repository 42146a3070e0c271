"""The MLP for tables: embedded numbers, and several members that train side by side and share most weights.

The members follow TabM-mini (Gorishniy et al. 2025): each sees the input through its own scaling, shares the hidden
layers, and has its own output layer; every member learns by its own loss and the answers are averaged. Numeric
embeddings are those of Gorishniy et al. (2022); sizing and regularisation borrow from RealMLP (Holzmueller et al. 2024).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer, linear
from netpick.models.networks.table_inputs import NumberEmbedding, TableInput
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class TabularMlpSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=128, ge=1)
    layers: int = Field(default=2, ge=0, le=1000)
    members: int = Field(default=1, ge=1, le=64)
    activation: Activation = "relu"
    embedding: NumberEmbedding = "none"
    embedding_size: int = Field(default=16, ge=1)
    bins: int = Field(default=32, ge=2, le=4096)  # of the piecewise-linear embedding
    one_hot_up_to: int = Field(default=50, ge=0)  # categories with more values are embedded
    residual: bool = False
    norm: Literal["none", "layer", "batch"] = "none"
    dropout: float = Field(default=0.0, ge=0, lt=1)


class HiddenLayer(nn.Module):
    """Linear, norm, activation, dropout; added to its input when residual and the widths agree."""

    def __init__(self, inputs: int, settings: TabularMlpSettings) -> None:
        super().__init__()
        self.linear = linear(inputs, settings.width, settings.activation)
        norms: dict[str, type[nn.Module]] = {"none": nn.Identity, "layer": nn.LayerNorm, "batch": nn.BatchNorm1d}
        self.norm = norms[settings.norm](settings.width)
        self.activation = activation_layer(settings.activation)
        self.dropout = Dropout(settings.dropout)
        self.residual = settings.residual and inputs == settings.width

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.activation(self.norm(self.linear(x))))
        return x + out if self.residual else out


class TabularMlpTrunk(Trunk):
    """Table rows to features (B, width), or (B, M, width) for M members."""

    def __init__(self, inputs: Inputs, settings: TabularMlpSettings) -> None:
        super().__init__()
        self.members = settings.members
        self.table = TableInput(
            inputs, settings.embedding, settings.embedding_size, settings.bins, settings.one_hot_up_to
        )
        self.scales: nn.Parameter | None = None
        if settings.members > 1:
            # One random factor per member and column: members start out looking at different mixtures of columns.
            factors = torch.randn(settings.members, len(self.table.blocks))
            blocks = torch.tensor(self.table.blocks)
            factors = factors.repeat_interleave(blocks, dim=1, output_size=self.table.width)
            self.scales = nn.Parameter(factors)
        widths = [self.table.width] + [settings.width] * settings.layers
        self.layers = nn.Sequential(*(HiddenLayer(inputs, settings) for inputs in widths[:-1]))
        self.width = widths[-1]

    def forward(self, batch: Batch) -> Features:
        x = self.table(batch)  # (B, width of the table)
        if self.scales is None:
            return Features(self.layers(x))
        x = x.unsqueeze(1) * self.scales  # (B, M, width of the table)
        return Features(self.layers(x.flatten(0, 1)).unflatten(0, (-1, self.members)))


class TabularMlp(Architecture):
    """Residual or plain MLP on numbers and categories."""

    Settings = TabularMlpSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> TabularMlpSettings:
        """Measured on adult, california_housing, telco_churn and pen_digits.

        Numbers are embedded from 1,000 rows for each of them on; with fewer, their curves fit the noise. A single output
        is a quantity: there dropout costs more than it saves, and smooth activations win, as they do on plain numbers.
        """
        features = inputs["vector"].shape[0] if "vector" in inputs else 0
        if num_rows < 1_000:
            return TabularMlpSettings(width=64, layers=2, members=8, dropout=0.0 if num_outputs == 1 else 0.1)
        if num_rows < 1_000 * features:
            dropout = 0.0 if num_outputs == 1 else 0.2
            return TabularMlpSettings(width=256, layers=3, members=8, activation="silu", dropout=dropout)
        if num_outputs == 1:
            return TabularMlpSettings(width=192, layers=2, members=8, activation="silu", embedding="both", bins=48)
        return TabularMlpSettings(width=192, layers=2, members=8, embedding="periodic", dropout=0.1)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """Small batches as long as they are cheap: what counts on a short budget is the number of steps."""
        batch_size = 32 if num_rows < 1_000 else 128 if num_rows < 20_000 else 512 if num_rows < 200_000 else 1_024
        rate = 1e-2 if num_outputs == 1 else 3e-3
        return Recipe(learning_rate=rate, schedule="cosine", batch_size=batch_size, weight_decay=3e-2)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return TabularMlpTrunk(inputs, settings)
