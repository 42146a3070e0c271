"""A second MLP of tables: one wide layer."""

from __future__ import annotations

from typing import Any

from netpick.models.networks.tabular_mlp import TabularMlp, TabularMlpSettings
from netpick.types import Inputs


class WideMlp(TabularMlp):
    """As the other, but for its size."""

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Any:
        return TabularMlpSettings(width=48, layers=1)
