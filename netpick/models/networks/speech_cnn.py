"""The CNN of what is said: residual convolutions over time, which see some tenths of a second around each step."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Trunk
from netpick.models.networks.speech_network import (
    SpeechArchitecture,
    SpeechTrunk,
    StepConvolution,
    StepNorm,
    sized,
)
from netpick.types import STRICT, Inputs


@dataclass(config=STRICT, kw_only=True)
class SpeechCnnSettings:
    """Settings of `cnn` on what is said."""

    width: int = Field(default=64, ge=1)
    layers: int = Field(default=2, ge=0, le=1000)  # behind the two in front; every second one looks twice as far
    dropout: float = Field(default=0.0, ge=0, lt=1)


class SpeechCnnTrunk(SpeechTrunk):
    """See SpeechCnn."""

    def __init__(self, inputs: Inputs, settings: SpeechCnnSettings) -> None:
        super().__init__(inputs, settings.width, settings.dropout)
        self.layers = nn.ModuleList(
            StepConvolution(settings.width, settings.width, dilation=1 + number % 2, dropout=settings.dropout)
            for number in range(settings.layers)
        )
        # What layers add to each other has a mean that symbols share: without this norm some seeds guessed words for long.
        self.last = StepNorm(settings.width)

    def read(self, steps: Tensor, mask: Tensor) -> Tensor:
        for layer in self.layers:
            steps, _ = layer(steps, mask)
        return self.last(steps, mask).transpose(1, 2)  # type: ignore[no-any-return]


class SpeechCnn(SpeechArchitecture):
    """Residual 1-d convolutions with CTC (Collobert et al. 2016)."""

    Settings = SpeechCnnSettings
    rate: ClassVar[float] = 1e-2

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SpeechCnnSettings:
        """Context grows with the recordings: few of them teach words, many teach how letters follow each other."""
        width, layers = sized(num_rows, (32, 96, 192)), sized(num_rows, (2, 3, 8))
        return SpeechCnnSettings(width=width, layers=layers, dropout=0.05 if num_rows < 500 else 0.1)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SpeechCnnTrunk(inputs, settings)
