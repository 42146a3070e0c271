"""The factorisation machine: columns of ids, whose values are vectors, and what two of them say together is a product.

Factorization machines are by Rendle (2010); here with the pooled products of neural factorisation machines (He & Chua 2017),
which the output layer weighs. Tuned ones with biases still beat most that came after them on tables of ratings (Rendle, Zhang
& Koren 2019). Members that train side by side stand for the samples that a Bayesian machine averages over.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Dropout
from netpick.models.networks.table_inputs import CodeEmbedding, SummedCurves
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

MOST_BIASES = 16  # of a value: one for each output, up to so many
MOST_WEIGHTS = 4_000_000  # of all values; every step moves each of them
START = (
    0.01  # deviation of the vectors' entries: with 0.1, what is drawn is noise that training has to undo (RMSE + 0.01)
)
PASSES = 60  # over the training rows; more learn them by heart, dropout or not


@dataclass(config=STRICT, kw_only=True)
class FactorisationSettings:
    """Size of the vectors; neutral defaults, `presets` holds the opinions."""

    size: int = Field(default=16, ge=1)  # of a value's vector
    biases: int = Field(default=1, ge=1)  # of a value, beside its vector
    members: int = Field(default=1, ge=1, le=64)
    bins: int = Field(default=16, ge=2, le=4096)  # of the piecewise-linear embedding of numbers
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the entries of vectors
    hidden: float = Field(
        default=0.0, ge=0, lt=1
    )  # share of values that training hides, so that an unknown one has a meaning


class FactorisationTrunk(Trunk):
    """Rows of codes and numbers to features (B, biases + size), or (B, M, biases + size) for M members.

    Numbers only add: as one more vector that meets those of ids they cost MovieLens-100k 0.015 of its RMSE, by their noise.
    """

    def __init__(self, inputs: Inputs, settings: FactorisationSettings) -> None:
        super().__init__()
        self.members, self.biases = settings.members, settings.biases
        self.codes: CodeEmbedding | None = None
        self.width = settings.biases
        self.columns = inputs["codes"].shape[0] if "codes" in inputs else 0
        if "codes" in inputs:
            self.width += settings.size
            self.codes = CodeEmbedding(inputs["codes"].cardinalities, settings.members * self.width)
            with torch.no_grad():  # the biases of a value, and its vector behind them
                table = self.codes.table.weight.view(-1, settings.members, self.width)
                table.normal_(std=START)[..., : self.biases] = 0.0
        numbers = inputs["vector"].shape[0] if "vector" in inputs else 0
        self.numbers = SummedCurves(numbers, settings.members * self.biases, settings.bins) if numbers else None
        self.hidden, self.dropout = Dropout(settings.hidden), Dropout(settings.dropout)

    def forward(self, batch: Batch) -> Features:
        biases: list[Tensor] = []
        products: list[Tensor] = []
        if self.codes is not None:
            codes = batch["codes"]
            if self.training:
                codes = codes * (self.hidden(torch.ones(codes.shape, device=codes.device)) > 0)
            values = self.codes(codes).view(-1, self.columns, self.members, self.width)  # (B, K, M, biases + size)
            biases.append(values[..., : self.biases].sum(dim=1))
            vectors: Tensor = self.dropout(values[..., self.biases :])
            # The products of all pairs, from the square of the sum (Rendle 2010, lemma 3.1).
            products.append(0.5 * (vectors.sum(dim=1).square() - vectors.square().sum(dim=1)))
        if self.numbers is not None:
            curves = self.numbers(batch["vector"]).float()
            biases.append(curves.view(-1, self.members, self.biases))
        features = torch.cat([sum(biases[1:], biases[0]), *products], dim=-1)  # (B, M, width)
        return Features(features if self.members > 1 else features[:, 0])


class FactorisationMachine(Architecture):
    """Ids that meet: users and items, shops and products."""

    Settings = FactorisationSettings
    fewest_passes = 12.0  # vectors of values begin near 0, and say little before each was met a dozen times

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> FactorisationSettings:
        """Measured on MovieLens-100k, where dropout of half of a vector regularises better than any decay (docs/lab.md).

        Two members: of twelve seconds twice the passes are worth more than twice the members.
        """
        biases, size = min(MOST_BIASES, num_outputs), 32
        values = sum(inputs["codes"].cardinalities) if "codes" in inputs else 1
        members = max(1, min(2, MOST_WEIGHTS // (values * (biases + size))))
        return FactorisationSettings(size=size, biases=biases, members=members, dropout=0.5, hidden=0.02)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """About twenty steps a pass: each moves all vectors, and Adam moves those far whose values are seldom in a batch."""
        batch_size = 2 ** max(7, min(14, (num_rows // 16).bit_length() - 1))
        return Recipe(
            learning_rate=2e-2,
            schedule="cosine",
            batch_size=batch_size,
            weight_decay=0.3,
            epochs=PASSES,
            precision="float32",
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return FactorisationTrunk(inputs, settings)
