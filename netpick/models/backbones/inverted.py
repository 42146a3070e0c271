"""Networks of inverted residuals: MobileNetV2 (Sandler et al. 2018) and EfficientNet-Lite (Tan & Le 2019, without squeeze and swish).

A block widens its input by a 1 x 1 convolution, filters each channel for itself, and narrows it again; it is added to its input where
neither size nor width changes. Convolutions are padded alike on both sides, activations are cut at 6.
"""

from __future__ import annotations

from torch import Tensor, nn

from netpick.models.backbones.bodies import Inverted as Shape
from netpick.models.backbones.bodies import Stage
from netpick.models.backbones.body import BodyNetwork, ConvNorm

STEM = 32  # channels behind the first convolution


class Inverted(nn.Module):
    """Widen, filter, narrow."""

    def __init__(self, inputs: int, stage: Stage, stride: int, epsilon: float) -> None:
        super().__init__()
        wide = inputs * stage.expand
        layers = [] if stage.expand == 1 else [ConvNorm(inputs, wide, epsilon=epsilon)]
        layers.append(ConvNorm(wide, wide, epsilon=epsilon, kernel=stage.kernel, stride=stride, each=True))
        layers.append(ConvNorm(wide, stage.width, epsilon=epsilon, cut=False))
        self.layers = nn.Sequential(*layers)
        self.added = stride == 1 and inputs == stage.width

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layers(x)
        return x + made if self.added else made


class InvertedResiduals(BodyNetwork):
    """Pictures (B, 3, H, W), normalised, to maps (B, 1280, h, w), a 32nd of their sides."""

    def __init__(self, body: Shape) -> None:
        super().__init__(body)
        layers: list[nn.Module] = [ConvNorm(3, STEM, epsilon=body.epsilon, kernel=3, stride=2)]
        channels = STEM
        for stage in body.stages:
            for number in range(stage.blocks):
                layers.append(Inverted(channels, stage, stage.stride if number == 0 else 1, body.epsilon))
                channels = stage.width
        layers.append(ConvNorm(channels, body.width, epsilon=body.epsilon))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]
