"""The hybrid for clips: a CNN looks at every frame, an RNN reads what it saw step by step.

After Donahue et al. (2015), with the two networks of this package chained: the residual CNN of images and the recurrent
layers of series. What the CNN saw keeps its place on the map (no pooling over the frame): motion is a change of place.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Dropout, activation_layer, linear
from netpick.models.networks.clip_frames import frame_inputs, frames_of
from netpick.models.networks.grid_cnn import GridCnnSettings, GridCnnTrunk
from netpick.models.networks.rnn import RnnSettings, RnnTrunk
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class ClipCnnRnnSettings:
    """Size and kind of both parts; neutral defaults, `presets` holds the opinions."""

    channels: int = Field(default=16, ge=1)  # of the CNN's first stage; each later stage has twice as many
    stages: int = Field(default=3, ge=1, le=8)  # each later stage halves the map
    blocks: int = Field(default=1, ge=0, le=1000)  # residual blocks in each stage but the first
    kernel: int = Field(default=3, ge=1)  # of the first convolution
    stride: int = Field(default=1, ge=1)  # of the first convolution
    frame: Literal["flatten", "mean", "max", "mean_max"] = "flatten"  # how a frame's map becomes its features
    features: int = Field(default=128, ge=1)  # of a frame, between CNN and RNN
    cell: Literal["simple", "lstm", "gru"] = "gru"
    layers: int = Field(default=1, ge=1, le=1000)
    width: int = Field(default=64, ge=1)  # of each direction of the RNN
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "mean_max", "attention"] = "mean_max"  # over the steps
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of a frame's features, between layers, and of the pooled features


class ClipCnnRnnTrunk(Trunk):
    """Clips (B, T, C, H, W) to steps (B, T, D) and their pooled features."""

    def __init__(self, inputs: Inputs, settings: ClipCnnRnnSettings) -> None:
        super().__init__()
        self.length = inputs["clip"].shape[0]
        self.look = GridCnnTrunk(
            frame_inputs(inputs),
            GridCnnSettings(
                width=settings.channels,
                stages=settings.stages,
                blocks=settings.blocks,
                kernel=settings.kernel,
                stride=settings.stride,
                pooling=settings.frame,
            ),
        )
        self.describe = nn.Sequential(
            linear(self.look.width, settings.features, "relu"),
            nn.LayerNorm(settings.features),
            activation_layer("relu"),
            Dropout(settings.dropout),
        )
        self.read = RnnTrunk(
            {"series": InputSpec(form="series", shape=(self.length, settings.features))},
            RnnSettings(
                cell=settings.cell,
                layers=settings.layers,
                width=settings.width,
                bidirectional=settings.bidirectional,
                pooling=settings.pooling,
                dropout=settings.dropout,
            ),
        )
        self.width = self.read.width

    def forward(self, batch: Batch) -> Features:
        seen = self.look(frames_of(batch)).pooled  # (B * T, D of a map)
        steps = self.describe(seen).unflatten(0, (-1, self.length))  # (B, T, features)
        return self.read({"series": steps})  # type: ignore[no-any-return]


class ClipCnnRnn(Architecture):
    """CNN per frame, then RNN."""

    Settings = ClipCnnRnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ClipCnnRnnSettings:
        """A last map of about 4 x 4."""
        side = min(inputs["clip"].shape[2:])
        if side < 16:
            return ClipCnnRnnSettings(channels=16, stages=2, blocks=1, dropout=0.1)
        stages = max(3, (side - 1).bit_length() - 2)
        return ClipCnnRnnSettings(channels=16, stages=stages, blocks=1, kernel=5, stride=2, dropout=0.1)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """One-cycle AdamW (Smith & Topin 2018)."""
        return Recipe(
            learning_rate=2e-3,
            weight_decay=0.02,
            schedule="onecycle",
            warmup=0.2,
            batch_size=64 if num_rows >= 10_000 else 32,
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ClipCnnRnnTrunk(inputs, settings)
