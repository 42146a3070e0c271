"""How the columns of a table enter a network: numbers through embeddings, categories one-hot or embedded.

Numbers arrive quantile-normalised to a standard normal (or standardised, for few rows), so the bins and frequencies
here need no training data.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import torch
from torch import Tensor, nn

from netpick.models.networks.base import Batch
from netpick.types import Inputs

OUTERMOST = 3.72  # where the encoder's clipped quantiles end; beyond, the curves go on straight

NumberEmbedding = Literal["none", "ple", "periodic", "both"]


class OneHot(nn.Module):
    """Codes (B, K) to (B, sum of cardinalities) of 0 and 1, in one comparison for all columns."""

    columns: Tensor
    values: Tensor

    def __init__(self, cardinalities: tuple[int, ...]) -> None:
        super().__init__()
        columns = [column for column, size in enumerate(cardinalities) for _ in range(size)]
        values = [value for size in cardinalities for value in range(size)]
        self.register_buffer("columns", torch.tensor(columns, dtype=torch.int64), persistent=False)
        self.register_buffer("values", torch.tensor(values, dtype=torch.int64), persistent=False)
        self.width = len(values)

    def forward(self, codes: Tensor) -> Tensor:
        return (codes.index_select(1, self.columns) == self.values).float()


class CodeEmbedding(nn.Module):
    """One learned vector per value of each column: codes (B, K) to (B, K, D), from a single stacked table."""

    offsets: Tensor

    def __init__(self, cardinalities: tuple[int, ...], size: int) -> None:
        super().__init__()
        starts = torch.tensor([0, *cardinalities[:-1]], dtype=torch.int64).cumsum(0)
        self.register_buffer("offsets", starts, persistent=False)
        self.table = nn.Embedding(sum(cardinalities), size)
        nn.init.normal_(self.table.weight, std=size**-0.5)

    def forward(self, codes: Tensor) -> Tensor:
        return self.table(codes + self.offsets)  # type: ignore[no-any-return]


class PiecewiseLinear(nn.Module):
    """Numbers (B, F) to (B, F, D): a learned piecewise-linear curve per number and dimension (Gorishniy et al. 2022).

    The curve starts as a random straight line; its bends begin at zero and lie at the quantiles of a standard normal.
    """

    edges: Tensor
    widths: Tensor

    def __init__(self, features: int, size: int, bins: int) -> None:
        super().__init__()
        normal = NormalDist()
        # Half of the bins hold equal shares of the rows, half are equally wide: a column that is mostly one value (a
        # capital gain of 0) has all its others in the tails, where equal shares leave two or three bins.
        shares = [normal.inv_cdf(i / (bins // 2)) for i in range(1, bins // 2)]
        even = [OUTERMOST * (2 * i / (bins - bins // 2 + 1) - 1) for i in range(1, bins - bins // 2 + 1)]
        edges = torch.tensor(sorted([-OUTERMOST, *shares, *even, OUTERMOST]))
        self.register_buffer("edges", edges[:-1].clone(), persistent=False)
        self.register_buffer("widths", edges.diff(), persistent=False)
        self.line = nn.Parameter(torch.randn(features, 1, size))
        self.bias = nn.Parameter(torch.zeros(features, size))
        self.bends = nn.Parameter(torch.zeros(features, bins, size))

    def forward(self, numbers: Tensor) -> Tensor:
        weights = torch.cat([self.bends, self.line], dim=1)
        return torch.einsum("bft,ftd->bfd", self.encoded(numbers), weights) + self.bias

    def encoded(self, numbers: Tensor) -> Tensor:
        """How far each bin is filled, and the number itself: (B, F, bins + 1)."""
        filled = ((numbers.unsqueeze(-1) - self.edges) / self.widths).clamp(0.0, 1.0)
        return torch.cat([filled, numbers.unsqueeze(-1)], dim=-1)


class SummedCurves(PiecewiseLinear):
    """The same, added up over the numbers: (B, F) to (B, D), at the cost of one matrix product."""

    def forward(self, numbers: Tensor) -> Tensor:
        weights = torch.cat([self.bends, self.line], dim=1).flatten(0, 1)  # (F * (bins + 1), D)
        return self.encoded(numbers).flatten(1) @ weights + self.bias.sum(dim=0)


class Periodic(nn.Module):
    """Numbers (B, F) to (B, F, D): sines and cosines of learned frequencies, mixed per number (Gorishniy et al. 2022)."""

    def __init__(self, features: int, size: int, frequencies: int = 24, scale: float = 0.5) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(features, frequencies) * scale)
        self.mix = nn.Parameter(torch.randn(features, 2 * frequencies + 1, size) / (2 * frequencies + 1) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(features, size))

    def forward(self, numbers: Tensor) -> Tensor:
        angles = 2 * torch.pi * numbers.unsqueeze(-1) * self.frequencies
        waves = torch.cat([angles.cos(), angles.sin(), numbers.unsqueeze(-1)], dim=-1)
        return torch.einsum("bft,ftd->bfd", waves, self.mix) + self.bias


class Both(nn.Module):
    """The sum of both embeddings: curves that bend softly, and waves that tell near values apart."""

    def __init__(self, features: int, size: int, bins: int) -> None:
        super().__init__()
        self.curves = PiecewiseLinear(features, size, bins)
        self.waves = Periodic(features, size)

    def forward(self, numbers: Tensor) -> Tensor:
        return self.curves(numbers) + self.waves(numbers)  # type: ignore[no-any-return]


class TableInput(nn.Module):
    """Vector and codes as one row of features (B, width), ready for a linear layer.

    Columns of at most `one_hot_up_to` values enter one-hot, larger ones by a learned vector of about the fourth root
    of their size times six (the rule of thumb of wide-and-deep models), at most 32.
    """

    def __init__(
        self,
        inputs: Inputs,
        embedding: NumberEmbedding = "none",
        size: int = 16,
        bins: int = 32,
        one_hot_up_to: int = 50,
    ) -> None:
        super().__init__()
        features = inputs["vector"].shape[0] if "vector" in inputs else 0
        cardinalities = inputs["codes"].cardinalities if "codes" in inputs else ()
        small = [column for column, values in enumerate(cardinalities) if values <= one_hot_up_to]
        large = [column for column, values in enumerate(cardinalities) if values > one_hot_up_to]
        self.numbers: nn.Module | None = None
        if features and embedding == "ple":
            self.numbers = PiecewiseLinear(features, size, bins)
        elif features and embedding == "periodic":
            self.numbers = Periodic(features, size)
        elif features and embedding == "both":
            self.numbers = Both(features, size, bins)
        self.small, self.large, self.reads_numbers = small, large, features > 0
        self.one_hot = OneHot(tuple(cardinalities[column] for column in small)) if small else None
        self.tables = nn.ModuleList(
            CodeEmbedding((cardinalities[column],), min(32, round(6 * cardinalities[column] ** 0.25)))
            for column in large
        )
        # Width of each feature's block, so that the members of an ensemble can scale whole features.
        self.blocks = [size if self.numbers is not None else 1] * features + [cardinalities[c] for c in small]
        self.blocks += [min(32, round(6 * cardinalities[column] ** 0.25)) for column in large]
        self.width = sum(self.blocks)

    def forward(self, batch: Batch) -> Tensor:
        parts: list[Tensor] = []
        if self.reads_numbers:
            numbers = batch["vector"]
            parts.append(numbers if self.numbers is None else self.numbers(numbers).flatten(1))
        if self.one_hot is not None:
            parts.append(self.one_hot(batch["codes"][:, self.small]))
        for column, table in zip(self.large, self.tables, strict=True):
            parts.append(table(batch["codes"][:, column : column + 1]).flatten(1))
        return torch.cat([part.float() for part in parts], dim=1)
