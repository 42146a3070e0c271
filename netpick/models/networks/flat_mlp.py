"""The MLP for images and series: every value is an input of its own, order and neighbourhood are unknown to it.

Residual layers with batch norm. Large images and long series are averaged down first; otherwise the first layer would hold
nearly all weights of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Size, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer, linear
from netpick.models.networks.stems import GridStem, SeriesStem
from netpick.types import STRICT, Form, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class FlatMlpSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=256, ge=1)
    layers: int = Field(default=2, ge=1, le=1000)
    activation: Activation = "relu"
    norm: Literal["batch", "layer", "none"] = "batch"
    residual: bool = True
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    side: int = Field(default=0, ge=0)  # larger images are averaged down to this many pixels a side; 0: never
    steps: int = Field(default=0, ge=0)  # longer series are averaged down to this many steps; 0: never


class FlatLayer(nn.Module):
    """Linear, norm, activation, dropout; added to its input when residual and the widths agree."""

    def __init__(self, inputs: int, settings: FlatMlpSettings) -> None:
        super().__init__()
        norms: dict[str, type[nn.Module]] = {"none": nn.Identity, "layer": nn.LayerNorm, "batch": nn.BatchNorm1d}
        self.layers = nn.Sequential(
            linear(inputs, settings.width, settings.activation),
            norms[settings.norm](settings.width),
            activation_layer(settings.activation),
            Dropout(settings.dropout),
        )
        self.residual = settings.residual and inputs == settings.width

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)  # type: ignore[no-any-return]


class FlatMlpTrunk(Trunk):
    """Images (B, C, H, W) or series (B, T, C) to features (B, width)."""

    def __init__(self, inputs: Inputs, settings: FlatMlpSettings) -> None:
        super().__init__()
        form: Form = "grid" if "grid" in inputs else "series"
        spec = inputs[form]
        self.read: GridStem | SeriesStem = GridStem(spec) if form == "grid" else SeriesStem(spec)
        if form == "grid":
            channels, height, width = spec.shape
            most = settings.side or max(height, width)
            self.size = (min(height, most), min(width, most))
            num_values = channels * self.size[0] * self.size[1]
        else:
            length, channels = spec.shape
            self.length = length
            self.size = (min(length, settings.steps or length), 1)
            num_values = channels * self.size[0]
        self.input_dropout = Dropout(settings.input_dropout)
        widths = [num_values] + [settings.width] * settings.layers
        self.layers = nn.Sequential(*(FlatLayer(inputs, settings) for inputs in widths[:-1]))
        self.width = settings.width

    def forward(self, batch: Batch) -> Features:
        if isinstance(self.read, GridStem):
            values = self.read(batch)
            if values.shape[2:] != self.size:
                values = functional.adaptive_avg_pool2d(values, self.size)
        else:
            values = self.read(batch)[0].transpose(1, 2)
            values = functional.pad(values, (0, self.length - values.shape[2]))  # a batch may be shorter than the spec
            if values.shape[2] != self.size[0]:
                values = functional.adaptive_avg_pool1d(values, self.size[0])
        return Features(self.layers(self.input_dropout(values.flatten(1))))


class FlatMlp(Architecture):
    """Residual MLP on the flattened values of images or series."""

    Settings = FlatMlpSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> FlatMlpSettings:
        if "series" in inputs:
            return FlatMlpSettings(width=256, layers=3, input_dropout=0.1, dropout=0.2, steps=512)
        if num_rows < 20_000:
            return FlatMlpSettings(width=256, layers=3, dropout=0.25, side=32)
        return FlatMlpSettings(width=512, layers=3, dropout=0.1, side=32)

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Images: wider where there is time for many passes, fewer pixels where there is not."""
        preset = self.presets(inputs, num_rows, num_outputs)
        if "series" in inputs or min(inputs["grid"].shape[1:]) < 16:
            return [Size(settings=preset)]
        wide = Size(settings=replace(preset, width=2 * preset.width), passes=20)
        coarse = replace(preset, width=preset.width // 2, side=16)
        remark = "averages the images down to 16 pixels a side, to fit the budget"
        return [wide, Size(settings=preset), Size(settings=coarse, remark=remark)]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        series = "series" in inputs
        return Recipe(
            learning_rate=2e-3 if series else 8e-3,
            weight_decay=0.05,
            schedule="onecycle",
            warmup=0.2,
            batch_size=_batch_size(num_rows) if series else 256 if num_rows >= 20_000 else 64,
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return FlatMlpTrunk(inputs, settings)


def _batch_size(num_rows: int) -> int:
    """About eight batches an epoch, between 16 and 128 rows."""
    return max(16, min(128, 1 << max(0, (num_rows // 8).bit_length() - 1)))
