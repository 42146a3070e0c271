"""Networks that make up rows: what all families share. A row is K codes, one a column, 0 where a cell is missing.

What leaves a network is one number a row: its loss, the row's surprise in nats, or a bound of it. `draw` makes new rows.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch
from netpick.models.networks.blocks import linear
from netpick.types import Array, Inputs, InputSpec
from netpick.types.recipe import Recipe

DRAWN_TOGETHER = 4_096  # rows
PASSES, LEAST_STEPS = 14, 300


class RecordNetwork(nn.Module):
    """Batches of codes (B, K) to losses (B, 1)."""

    starts: Tensor

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        spec = record_of(inputs)
        self.sizes = spec.cardinalities
        self.missing = [flags >= 2 for flags in spec.ahead]  # columns that may miss cells
        starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        self.register_buffer("starts", torch.from_numpy(starts.astype(np.int64)), persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        return self.losses(batch["record"]).float().unsqueeze(1)

    @abstractmethod
    def losses(self, codes: Tensor) -> Tensor:
        """(B,) of rows (B, K)."""

    @abstractmethod
    def drawn(self, count: int, random: np.random.Generator) -> Array:
        """New rows (count, K) int32, count being DRAWN_TOGETHER at most."""

    @torch.no_grad()
    def draw(self, count: int, random: np.random.Generator) -> Array:
        """New rows (count, K) int32, a chunk at a time: a function of the weights and the generator."""
        self.eval()
        parts = [min(DRAWN_TOGETHER, count - start) for start in range(0, count, DRAWN_TOGETHER)]
        return np.concatenate(
            [self.drawn(part, random) for part in parts] or [np.zeros((0, len(self.sizes)), np.int32)]
        )


class ColumnEmbedding(nn.Module):
    """Codes (B, K) to vectors (B, K, D), each code of each column its own."""

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(sizes), width)
        nn.init.normal_(self.table.weight, std=width**-0.5)

    def forward(self, codes: Tensor, starts: Tensor) -> Tensor:
        vectors: Tensor = self.table(codes + starts[: codes.shape[1]])
        return vectors


class ColumnHeads(nn.Module):
    """Features of each column to logits of its codes."""

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(linear(width, size) for size in sizes)
        for head in self.heads:
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.weight)  # every code is as likely as any other at first

    def one(self, features: Tensor, column: int) -> Tensor:
        """Logits (B, size) of one column from its features (B, D)."""
        logits: Tensor = self.heads[column](features)
        return logits.float()

    def surprise(self, features: Tensor, codes: Tensor) -> Tensor:
        """(B,) nats of codes (B, K) from features (B, K, D)."""
        parts = [
            functional.cross_entropy(self.one(features[:, column], column), codes[:, column], reduction="none")
            for column in range(len(self.heads))
        ]
        return torch.stack(parts, dim=1).sum(dim=1)


def drawn_codes(logits: Tensor, random: np.random.Generator, *, missing: bool) -> Array:
    """(n,) codes drawn from logits (n, C), by the inverse of their distribution, so that the numbers drawn do not depend on torch.

    missing: whether the first, a missing cell, may be drawn."""
    chances = logits.double().softmax(dim=1).cpu().numpy()
    if not missing:
        chances[:, 0] = 0.0
    ends = np.cumsum(chances, axis=1)
    at = random.random(len(chances))[:, None] * ends[:, -1:]
    return np.asarray((at >= ends).sum(axis=1).clip(0, chances.shape[1] - 1), dtype=np.int32)


def record_of(inputs: Inputs) -> InputSpec:
    """The input of whole rows. Raises ValueError where there is none."""
    if "record" not in inputs or len(inputs["record"].cardinalities) != len(inputs["record"].ahead):
        raise ValueError("an input of whole rows")
    return inputs["record"]


class RecordArchitecture(Architecture):
    """What families that make up rows have in common."""

    fewest_passes = 3.0

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return record_recipe(3e-3, num_rows, passes=PASSES, weight_decay=0.3)


def record_recipe(learning_rate: float, num_rows: int, *, passes: int = 0, weight_decay: float = 0.1) -> Recipe:
    """AdamW with one cycle, an average of the weights, batches that some thousand rows allow.

    passes: over many rows, at most; more are made of few. Networks that say one column after another learn rows by heart soon, and are best where
    the rate has come down by then (adult: 14 passes, 19.64 nats a row; 68 passes, 22.3).
    """
    batch = int(np.clip(2 ** round(np.log2(max(32, num_rows) / 100)), 32, 256))
    return Recipe(
        learning_rate=learning_rate,
        schedule="onecycle",
        warmup=0.1,
        weight_decay=weight_decay,
        epochs=max(passes, -(-LEAST_STEPS * batch // max(1, num_rows))) if passes else 0,
        batch_size=batch,
        average=0.995,
    )
