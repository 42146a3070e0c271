"""The RNN of what is said, and the hybrid with more convolutions in front: layers that read a recording from both ends."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Trunk
from netpick.models.networks.blocks import Dropout
from netpick.models.networks.rnn import RecurrentLayer, RnnSettings
from netpick.models.networks.speech_network import SpeechArchitecture, SpeechTrunk, StepConvolution, sized
from netpick.types import STRICT, Inputs


@dataclass(config=STRICT, kw_only=True)
class SpeechRnnSettings:
    """Settings of `rnn` and `cnn_rnn` on what is said."""

    cell: Literal["simple", "lstm", "gru"] = "lstm"
    width: int = Field(default=64, ge=1)  # of the convolutions, and of each direction
    layers: int = Field(default=1, ge=1, le=100)
    convolutions: int = Field(default=0, ge=0, le=1000)  # behind the two in front
    dropout: float = Field(default=0.0, ge=0, lt=1)  # before every recurrent layer


class SpeechRnnTrunk(SpeechTrunk):
    """See SpeechRnn."""

    def __init__(self, inputs: Inputs, settings: SpeechRnnSettings) -> None:
        super().__init__(inputs, settings.width, settings.dropout)
        self.convolutions = nn.ModuleList(
            StepConvolution(settings.width, settings.width, dropout=settings.dropout)
            for _ in range(settings.convolutions)
        )
        both = RnnSettings(cell=settings.cell, width=settings.width, bidirectional=True)
        widths = [settings.width] + [2 * settings.width] * (settings.layers - 1)
        self.layers = nn.ModuleList(RecurrentLayer(width, both) for width in widths)
        self.dropout = Dropout(settings.dropout)
        self.width = self.step_width = 2 * settings.width

    def read(self, steps: Tensor, mask: Tensor) -> Tensor:
        for convolution in self.convolutions:
            steps, _ = convolution(steps, mask)
        features = steps.transpose(1, 2)
        for layer in self.layers:
            features = layer(self.dropout(features), mask)
        return features


class SpeechRnn(SpeechArchitecture):
    """Two strided convolutions, then recurrent layers in both directions, with CTC (Deep Speech 2 in small, Amodei et al. 2016)."""

    Settings = SpeechRnnSettings
    rate: ClassVar[float] = 1e-2
    convolutions: ClassVar[int] = 0

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SpeechRnnSettings:
        width, layers = sized(num_rows, (32, 96, 192)), sized(num_rows, (1, 1, 2))
        dropout = 0.1 if num_rows < 500 else 0.15
        return SpeechRnnSettings(width=width, layers=layers, convolutions=self.convolutions, dropout=dropout)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SpeechRnnTrunk(inputs, settings)


class SpeechCnnRnn(SpeechRnn):
    """The same behind two more convolutions, which bring the recurrent layers steps that know their surroundings."""

    convolutions: ClassVar[int] = 2
