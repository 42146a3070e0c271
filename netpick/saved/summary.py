"""A model in a few lines: its layers as a table, and what a notebook shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from netpick.types.results import Layer

if TYPE_CHECKING:
    from netpick.saved.engines import TorchEngine
    from netpick.saved.record import ModelRecord


@dataclass(frozen=True)
class Summary:
    """The layers of a network in the order in which rows go through them; `str` is the table, N stands for the rows."""

    title: str
    layers: Sequence[Layer] = ()

    @property
    def weights(self) -> int:
        """Of all layers."""
        return sum(layer.weights for layer in self.layers)

    def __str__(self) -> str:
        if not self.layers:
            return self.title
        rows = [("layer", "kind", "output", "weights")]
        rows += [(layer.name, layer.kind, layer.shape, f"{layer.weights:,}") for layer in self.layers]
        widths = [max(len(row[place]) for row in rows) for place in range(4)]
        lines = [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)), row[3].rjust(widths[3])]
            )
            for row in rows
        ]
        rule = "-" * len(lines[0])
        total = f"{self.weights:,} weights, all trained ({4 * self.weights / 1e6:.2f} MB as float32)"
        return "\n".join([self.title, rule, lines[0], rule, *lines[1:], rule, total])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def network_layers(engine: TorchEngine) -> tuple[Layer, ...]:
    """The layers of a loaded network, seen with rows that are made up."""
    import torch

    from netpick.columns.store import Store
    from netpick.models.infer import DeviceData
    from netpick.models.summary import ROWS, layers_of
    from netpick.saved.generated import generated_rows  # which imports what trains

    loaded = engine.loaded
    data = DeviceData(Store(arrays=generated_rows(loaded.inputs, ROWS)), loaded.inputs, "cpu")
    return layers_of(loaded.network, data.batch(torch.from_numpy(np.arange(ROWS))), ROWS)


def titled(record: ModelRecord) -> str:
    """What a model is, and how well it did on test rows: "cnn, classify 'label': accuracy 0.992 (0.990 to 0.994, n = 10,000)"."""
    asked = f"{record.task} {', '.join(f'{name!r}' for name in record.targets)}"
    score = record.scores.get(record.primary_metric)
    if score is None:
        return f"{record.candidate}, {asked}"
    low, high, n = score["low"], score["high"], int(score["n"])
    name = record.primary_metric.replace("_", " ")
    return f"{record.candidate}, {asked}: {name} {score['value']:.3g} ({low:.3g} to {high:.3g}, n = {n:,})"
