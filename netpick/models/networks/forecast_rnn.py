"""The RNN for forecasting: simple, LSTM or GRU cells over the window, read forwards, its last state is what counts.

Long windows are read in patches, as in SegRNN (Lin et al. 2023): hundreds of single steps are slow to learn through.
"""

from __future__ import annotations

from typing import Any

from pydantic.dataclasses import dataclass

from netpick.models.networks.forecast_heads import Decoder, usual_decoder
from netpick.models.networks.forecast_network import Forecaster, Pooled, WindowTrunk, forecast_recipe, window_part
from netpick.models.networks.rnn import RnnSettings, RnnTrunk
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe

MOST_STEPS = 32  # after patching


@dataclass(config=STRICT, kw_only=True)
class ForecastRnnSettings(RnnSettings):
    """The same, for windows."""

    decoder: Decoder = "direct"  # steps: one network for all steps ahead


class ForecastRnn(Forecaster):
    """Recurrent network on windows, with the settings of the other recurrent networks."""

    Settings = ForecastRnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ForecastRnnSettings:
        patch = max(1, -(-inputs["window"].shape[0] // MOST_STEPS))
        width = 32 if num_rows < 1_000 else 64
        return ForecastRnnSettings(
            cell="gru",
            layers=1,
            width=width,
            bidirectional=False,
            pooling="last",
            patch=patch,
            dropout=0.1,
            decoder=usual_decoder(inputs, num_rows),
        )

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return forecast_recipe(inputs, num_rows, 3e-3, weight_decay=0.2)

    def build(self, inputs: Inputs, settings: Any) -> WindowTrunk:
        return Pooled(RnnTrunk(window_part(inputs), settings), decoder=settings.decoder)
