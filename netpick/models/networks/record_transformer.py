"""The transformer that makes up rows: a token a column, each attending to those before it (Vaswani et al. 2017; of tables: REaLTabFormer,
Solatorio & Dupriez 2023)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.record_network import (
    ColumnEmbedding,
    ColumnHeads,
    RecordArchitecture,
    RecordNetwork,
    drawn_codes,
    record_of,
    record_recipe,
)
from netpick.models.networks.text_decoder import DecoderLayer
from netpick.types import STRICT, Array, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class RecordTransformerSettings:
    """Settings of `transformer` on rows that are made up."""

    width: int = Field(default=64, ge=2, le=4096)
    heads: int = Field(default=4, ge=1)
    layers: int = Field(default=3, ge=1, le=48)
    dropout: float = Field(default=0.1, ge=0, lt=1)


class RecordTransformer(RecordNetwork):
    """Each column from those before it, by attention."""

    def __init__(self, inputs: Inputs, settings: RecordTransformerSettings) -> None:
        super().__init__(inputs)
        self.embedding = ColumnEmbedding(self.sizes, settings.width)
        self.places = nn.Parameter(torch.randn(len(self.sizes), settings.width) * 0.1)
        self.layers = nn.ModuleList(
            DecoderLayer(settings.width, settings.heads, settings.dropout) for _ in range(settings.layers)
        )
        self.norm = nn.RMSNorm(settings.width)
        self.heads = ColumnHeads(self.sizes, settings.width)
        self.turns = settings.width // settings.heads // 2

    def losses(self, codes: Tensor) -> Tensor:
        return self.heads.surprise(self._features(codes[:, :-1]), codes)

    def drawn(self, count: int, random: np.random.Generator) -> Array:
        codes = torch.zeros(count, len(self.sizes), dtype=torch.int64, device=self.starts.device)
        for column in range(len(self.sizes)):
            features = self._features(codes[:, :column])[:, -1]
            drawn = drawn_codes(self.heads.one(features, column), random, missing=self.missing[column])
            codes[:, column] = torch.from_numpy(drawn).to(codes.device)
        return codes.int().cpu().numpy()

    def _features(self, before: Tensor) -> Tensor:
        """(B, S + 1, D) of the columns behind codes (B, S) from the first on."""
        steps = (
            nn.functional.pad(self.embedding(before, self.starts), (0, 0, 1, 0)) + self.places[: before.shape[1] + 1]
        )
        straight = torch.zeros(steps.shape[1], self.turns, device=steps.device)  # places are vectors: nothing is turned
        turns = (straight.cos(), straight.sin())
        for layer in self.layers:
            steps, _ = layer(steps, turns, None)
        normed: Tensor = self.norm(steps)
        return normed


class RecordTransformerArchitecture(RecordArchitecture):
    """See the module."""

    Settings = RecordTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> RecordTransformerSettings:
        columns = len(record_of(inputs).cardinalities)
        return RecordTransformerSettings(
            width=32 if num_rows < 2_000 else 64, layers=2 if columns > 40 or num_rows < 2_000 else 3
        )

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return record_recipe(2e-3, num_rows)

    def build(self, inputs: Inputs, settings: Any) -> Any:
        return RecordTransformer(inputs, settings)
