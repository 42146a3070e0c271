"""A network that was described and trained elsewhere, layer by layer (models/imported), under netpick's output layer.

Its last dense layer is that output layer, so that what comes before it can be trained on for other classes. Rows are handed to it as its
makers did: channels last, numbers on their own scale, texts padded to the length that it was trained on.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.disk.strict import RefusedError
from netpick.errors import RequestError
from netpick.models.imported.graph import GraphNetwork, Node
from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.stems import GridStem, SeriesStem
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class ImportedSettings:
    """The layers, and how rows are handed to the first of them."""

    nodes: tuple[Node, ...] = ()
    shape: tuple[int, ...] = ()  # of a row as the first layer reads it
    factor: float = Field(default=1.0, gt=0)  # of numbers of a table, which are stored as parts of it
    zeros: Literal["behind", "before"] = "behind"  # where texts are filled up
    origin: str = Field(default="", max_length=300)  # where the weights come from, for people


class Opening(nn.Module):
    """A batch of one form as the rows (B, *shape) that the first layer reads."""

    def __init__(self, spec: InputSpec, settings: ImportedSettings) -> None:
        super().__init__()
        self.form, self.shape = spec.form, settings.shape
        self.factor, self.before = settings.factor, settings.zeros == "before"
        self.stem = GridStem(spec) if self.form == "grid" else None
        self.steps = SeriesStem(spec) if self.form == "series" else None
        values = prod(spec.shape)
        if values != prod(settings.shape):
            raise RefusedError(f"its first layer reads {settings.shape}, and rows are of shape {spec.shape}")

    def forward(self, batch: Batch) -> Tensor:
        if self.stem is not None:
            return self.stem(batch).permute(0, 2, 3, 1).reshape(-1, *self.shape)  # type: ignore[no-any-return]
        if self.steps is not None:
            return self.steps(batch)[0].reshape(-1, *self.shape)  # type: ignore[no-any-return]
        if self.form == "tokens":
            return self._filled(batch["tokens"], batch["tokens.mask"])
        return batch["vector"].float().reshape(-1, *self.shape) * self.factor

    def _filled(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(B, t) to the whole length, zeros behind or before."""
        tokens = functional.pad(tokens * mask, (0, self.shape[0] - tokens.shape[1]))
        if not self.before:
            return tokens
        missing = self.shape[0] - mask.sum(dim=1, keepdim=True)
        places = torch.arange(self.shape[0], device=tokens.device) - missing
        return tokens.gather(1, places.clamp(min=0)) * (places >= 0)


class ImportedTrunk(Trunk):
    """All but the output layer."""

    def __init__(self, inputs: Inputs, settings: ImportedSettings) -> None:
        super().__init__()
        (spec,) = inputs.values() if len(inputs) == 1 else (None,)
        if spec is None or spec.form == "codes":
            raise RequestError("An imported network reads inputs of one form, and these data have several.")
        self.opening = Opening(spec, settings)
        self.body = GraphNetwork(settings.nodes, settings.shape) if settings.nodes else None
        shape = settings.shape if self.body is None else self.body.shape
        if len(shape) != 1:
            raise RefusedError(f"it ends with rows of shape {shape}, and an answer for a row needs one vector")
        self.width = shape[0]

    def forward(self, batch: Batch) -> Features:
        rows = self.opening(batch)
        return Features(rows if self.body is None else self.body(rows).float())


class Imported(Architecture):
    """A network from elsewhere."""

    Settings = ImportedSettings
    fewest_passes = 1.0

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ImportedSettings:
        """None: the layers come with `imported[weights=FILE]`."""
        return ImportedSettings()

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """AdamW; the output layer alone for a third of the time, then all at a tenth of the rate (Howard & Ruder 2018)."""
        return Recipe(
            optimizer="adamw",
            learning_rate=2e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=0.05,
            batch_size=32,
            held=0.3,
            body_rate=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ImportedTrunk(inputs, settings)

    def origin(self, settings: Any) -> str:
        return f"starts from {settings.origin}" if settings.origin else ""

    def begin(self, trunk: nn.Module, settings: Any, weights: Path | None) -> None:
        """See Architecture."""
