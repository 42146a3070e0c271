"""The MLP that makes up rows: the columns in turn, each from those before it by a network of its own (NADE, Larochelle & Murray 2011;
MADE, Germain et al. 2015; of tables: DeepCopula and its kin), all of them computed side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.record_network import (
    ColumnEmbedding,
    ColumnHeads,
    RecordArchitecture,
    RecordNetwork,
    drawn_codes,
    record_of,
)
from netpick.types import STRICT, Array, Inputs


@dataclass(config=STRICT, kw_only=True)
class RecordMlpSettings:
    """Settings of `mlp` on rows that are made up."""

    embedding: int = Field(default=16, ge=1, le=1024)
    hidden: int = Field(default=64, ge=1, le=8192)
    layers: int = Field(default=2, ge=1, le=16)
    dropout: float = Field(default=0.4, ge=0, lt=1)


class RecordMlp(RecordNetwork):
    """K small networks, of which each reads the columns before its own."""

    sees: Tensor

    def __init__(self, inputs: Inputs, settings: RecordMlpSettings) -> None:
        super().__init__(inputs)
        columns, width, hidden = len(self.sizes), settings.embedding, settings.hidden
        self.embedding = ColumnEmbedding(self.sizes, width)
        self.first = nn.Parameter(torch.randn(columns, columns * width, hidden) * (2 / max(1, columns)) ** 0.5)
        self.first_bias = nn.Parameter(torch.zeros(columns, 1, hidden))
        self.deeper = nn.ParameterList(
            nn.Parameter(torch.randn(columns, hidden, hidden) * (1 / hidden) ** 0.5) for _ in range(settings.layers - 1)
        )
        self.deeper_bias = nn.ParameterList(
            nn.Parameter(torch.zeros(columns, 1, hidden)) for _ in range(settings.layers - 1)
        )
        self.norm = nn.LayerNorm(hidden)
        self.drop = nn.Dropout(settings.dropout)
        self.heads = ColumnHeads(self.sizes, hidden)
        before = np.repeat(np.tri(columns, columns, -1, dtype=np.float32), width, axis=1)
        self.register_buffer("sees", torch.from_numpy(before).unsqueeze(2), persistent=False)

    def losses(self, codes: Tensor) -> Tensor:
        vectors = self.embedding(codes, self.starts).flatten(1)  # (B, K D)
        hidden = torch.matmul(vectors.unsqueeze(0), self.first * self.sees) + self.first_bias  # (K, B, H)
        return self.heads.surprise(self._deeper(hidden, slice(None)).transpose(0, 1), codes)

    def drawn(self, count: int, random: np.random.Generator) -> Array:
        codes = torch.zeros(count, len(self.sizes), dtype=torch.int64, device=self.starts.device)
        for column in range(len(self.sizes)):
            width = column * self.embedding.table.embedding_dim
            vectors = self.embedding(codes[:, :column], self.starts).flatten(1)
            hidden = vectors @ self.first[column, :width] + self.first_bias[column]
            features = self._deeper(hidden.unsqueeze(0), slice(column, column + 1))[0]
            drawn = drawn_codes(self.heads.one(features, column), random, missing=self.missing[column])
            codes[:, column] = torch.from_numpy(drawn).to(codes.device)
        return codes.int().cpu().numpy()

    def _deeper(self, hidden: Tensor, columns: slice) -> Tensor:
        hidden = functional.gelu(self.norm(hidden))
        for weight, bias in zip(self.deeper, self.deeper_bias, strict=True):
            hidden = hidden + functional.gelu(self.drop(hidden) @ weight[columns] + bias[columns])
        dropped: Tensor = self.drop(hidden)
        return dropped


class RecordMlpArchitecture(RecordArchitecture):
    """See the module."""

    Settings = RecordMlpSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> RecordMlpSettings:
        columns = len(record_of(inputs).cardinalities)
        return RecordMlpSettings(embedding=8 if columns > 60 else 16, hidden=32 if columns > 60 else 64)

    def build(self, inputs: Inputs, settings: Any) -> Any:
        return RecordMlp(inputs, settings)
