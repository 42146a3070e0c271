"""The transformer of what is said: each step looks at all others, behind convolutions.

Convolutions stand for positions (Mohamed et al. 2019). Layers begin as nothing added (Bachlechner et al. 2021), so that words are first found by what is near.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Trunk
from netpick.models.networks.blocks import Dropout, EncoderLayer, check_heads
from netpick.models.networks.speech_network import (
    SpeechArchitecture,
    SpeechTrunk,
    StepConvolution,
    sized,
)
from netpick.types import STRICT, Inputs

ADDED = ("attention.out.weight", "feed_forward.4.weight")  # of a layer: what comes last of what it adds


@dataclass(config=STRICT, kw_only=True)
class SpeechTransformerSettings:
    """Settings of `transformer` on what is said."""

    width: int = Field(default=64, ge=4, multiple_of=4)
    layers: int = Field(default=2, ge=1, le=1000)
    heads: int = Field(default=4, ge=1)
    expansion: int = Field(default=2, ge=1)  # width of the feed-forward part, in widths
    convolutions: int = Field(default=0, ge=0, le=1000)  # behind the two in front
    dropout: float = Field(default=0.0, ge=0, lt=1)


class SpeechTransformerTrunk(SpeechTrunk):
    """See SpeechTransformer."""

    def __init__(self, inputs: Inputs, settings: SpeechTransformerSettings) -> None:
        check_heads(settings.width, settings.heads)
        super().__init__(inputs, settings.width, settings.dropout)
        self.convolutions = nn.ModuleList(
            StepConvolution(settings.width, settings.width, dropout=settings.dropout)
            for _ in range(settings.convolutions)
        )
        hidden = settings.expansion * settings.width
        layers = [
            EncoderLayer(settings.width, settings.heads, hidden, settings.dropout) for _ in range(settings.layers)
        ]
        for layer in layers:
            for name, weight in layer.named_parameters():
                if name in ADDED:
                    nn.init.zeros_(weight)
        self.layers = nn.ModuleList(layers)
        self.dropout, self.norm = Dropout(settings.dropout), nn.LayerNorm(settings.width)

    def read(self, steps: Tensor, mask: Tensor) -> Tensor:
        for convolution in self.convolutions:
            steps, _ = convolution(steps, mask)
        features = self.dropout(steps.transpose(1, 2))
        for layer in self.layers:
            features = layer(features, mask)
        return self.norm(features)  # type: ignore[no-any-return]


class SpeechTransformer(SpeechArchitecture):
    """An encoder with norms in front (Xiong et al. 2020) over steps of convolutions, with CTC."""

    Settings = SpeechTransformerSettings
    rate: ClassVar[float] = 4e-3

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SpeechTransformerSettings:
        width, layers = sized(num_rows, (32, 96, 192)), sized(num_rows, (2, 3, 6))
        dropout = 0.05 if num_rows < 500 else 0.1
        return SpeechTransformerSettings(width=width, layers=layers, convolutions=2, dropout=dropout)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SpeechTransformerTrunk(inputs, settings)
