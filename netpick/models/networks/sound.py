"""Networks for series and pictures, made to read sounds: log-mel frames (B, T, F) with a mask.

The recurrent network and the transformer read frames as the steps of a series, spelled-out networks read them as a picture of
time and pitch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.layers import Layers, LayersSettings
from netpick.models.networks.patch_transformer import PatchTransformerSettings, PatchTransformerTrunk
from netpick.models.networks.rnn import RnnSettings, RnnTrunk
from netpick.models.networks.sound_stem import FORM, FramesOpening, SpectrogramStem, sound_recipe
from netpick.types import Inputs, InputSpec
from netpick.types.recipe import Recipe


class FramesTrunk(Trunk):
    """A trunk for series that reads frames (B, T, F) as steps of F channels."""

    def __init__(self, inputs: Inputs, make: Callable[[Inputs], Trunk]) -> None:
        super().__init__()
        spec = inputs[FORM]
        self.stem = SpectrogramStem(spec)
        self.trunk = make({"series": InputSpec(form="series", shape=spec.shape, padded=True)})
        self.width, self.step_width, self.group = self.trunk.width, self.trunk.step_width, self.trunk.group

    def forward(self, batch: Batch) -> Features:
        frames, mask = self.stem(batch)
        return self.trunk({"series": frames, "series.mask": mask})  # type: ignore[no-any-return]


class SpectrogramRnn(Architecture):
    """The recurrent network over frames."""

    Settings = RnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> RnnSettings:
        """Neighbouring frames overlap, so some are read as one: at most about 40 steps."""
        patch = max(1, -(-inputs[FORM].shape[0] // 40))
        return RnnSettings(cell="gru", width=96, patch=patch, dropout=0.2)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return sound_recipe(num_rows, 4e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return FramesTrunk(inputs, lambda series: RnnTrunk(series, settings))


class SpectrogramTransformer(Architecture):
    """The transformer over patches in time: each token is some neighbouring frames, after a convolution over them."""

    Settings = PatchTransformerSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PatchTransformerSettings:
        patch = max(1, round(inputs[FORM].shape[0] / 32))
        return PatchTransformerSettings(width=64, layers=2, patch=patch, stem="conv", dropout=0.1)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return sound_recipe(num_rows, 3e-3)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return FramesTrunk(inputs, lambda series: PatchTransformerTrunk(series, settings))


class PictureTrunk(Trunk):
    """A trunk for pictures that reads frames as one of a single channel, T rows and F columns."""

    def __init__(self, inputs: Inputs, make: Callable[[Inputs], Trunk]) -> None:
        super().__init__()
        self.opening = FramesOpening(inputs[FORM])
        self.trunk = make({"grid": InputSpec(form="grid", shape=(1, *inputs[FORM].shape))})
        self.width = self.trunk.width

    def forward(self, batch: Batch) -> Features:
        return self.trunk({"grid": self.opening(batch)[0].unsqueeze(1)})  # type: ignore[no-any-return]


class SpectrogramLayers(Layers):
    """A network that the user spells out, on the spectrogram as a picture; recurrent layers read it frame by frame."""

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> LayersSettings:
        return super().presets({"grid": inputs[FORM]}, num_rows, num_outputs)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return super().recipe({"grid": inputs[FORM]}, num_rows, num_outputs)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return PictureTrunk(inputs, lambda grid: Layers().build(grid, settings))
