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
    PASSES,
    ColumnEmbedding,
    ColumnHeads,
    RecordArchitecture,
    RecordNetwork,
    drawn_codes,
    record_of,
    record_recipe,
)
from netpick.models.networks.text_decoder import DecoderLayer, Past
from netpick.types import STRICT, Array, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class RecordTransformerSettings:
    """Settings of `transformer` on rows that are made up."""

    width: int = Field(default=64, ge=2, le=4096)
    heads: int = Field(default=4, ge=1)
    layers: int = Field(default=2, ge=1, le=48)
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
        entries = nn.functional.pad(self.embedding(codes[:, :-1], self.starts), (0, 0, 1, 0))
        features, _ = self._read(entries + self.places, None)
        return self.heads.surprise(features, codes)

    def drawn(self, count: int, random: np.random.Generator) -> Array:
        codes, before = [], torch.zeros(count, 1, self.places.shape[1], device=self.starts.device)
        past: list[Past] | None = None
        for column in range(len(self.sizes)):
            features, past = self._read(before + self.places[column], past)
            code = drawn_codes(self.heads.one(features[:, -1], column), random, missing=self.missing[column])
            codes.append(code)
            numbers = torch.from_numpy(code).long().to(self.starts.device) + self.starts[column]
            before = self.embedding.table(numbers).unsqueeze(1)
        return np.stack(codes, axis=1)

    def _read(self, steps: Tensor, past: list[Past] | None) -> tuple[Tensor, list[Past]]:
        """Features (B, S, D) of steps that go on from those before, and what is kept of all."""
        straight = torch.zeros(steps.shape[1], self.turns, device=steps.device)  # places are vectors: nothing is turned
        turns, held = (straight.cos(), straight.sin()), []
        for number, layer in enumerate(self.layers):
            steps, after = layer(steps, turns, None if past is None else past[number])
            held.append(after)
        return self.norm(steps), held


class RecordTransformerArchitecture(RecordArchitecture):
    """See the module."""

    Settings = RecordTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> RecordTransformerSettings:
        columns = len(record_of(inputs).cardinalities)
        return RecordTransformerSettings(width=32 if num_rows < 2_000 or columns > 60 else 64)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return record_recipe(2e-3, num_rows, passes=PASSES)

    def build(self, inputs: Inputs, settings: Any) -> Any:
        return RecordTransformer(inputs, settings)
