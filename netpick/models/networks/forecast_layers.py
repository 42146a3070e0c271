"""Networks spelled out for forecasting: "lstm 64, lstm 64" reads the window, and only the output layer is added."""

from __future__ import annotations

from typing import Any

from netpick.models.networks.forecast_heads import num_targets
from netpick.models.networks.forecast_network import (
    Forecaster,
    Pooled,
    WindowTrunk,
    most_epochs,
    window_part,
)
from netpick.models.networks.layers import LayersSettings, LayersTrunk
from netpick.types import Inputs
from netpick.types.recipe import Recipe

EXAMPLE = "lstm 64, lstm 64"


class ForecastLayers(Forecaster):
    """A network that the user spells out, over the steps of a window."""

    Settings = LayersSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> LayersSettings:
        return LayersSettings(spec=EXAMPLE)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        size = 32 if num_rows < 1_000 else 64 if num_rows < 20_000 else 128
        return Recipe(
            learning_rate=3e-3,
            weight_decay=1e-2,
            schedule="onecycle",
            warmup=0.2,
            batch_size=max(4, size // num_targets(inputs)),
            epochs=most_epochs(inputs, num_rows),
            precision="float32",
        )

    def build(self, inputs: Inputs, settings: Any) -> WindowTrunk:
        # What the user wrote is all there is: no linear map and no season beside it.
        return Pooled(LayersTrunk(window_part(inputs), settings.spec), linear=False, seasonal=False)
