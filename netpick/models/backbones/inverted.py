"""Networks of inverted residuals: MobileNetV2 (Sandler et al. 2018) and EfficientNet-Lite (Tan & Le 2019, without squeeze and swish).

A block widens its input by a 1 x 1 convolution, filters each channel for itself, and narrows it again; it is added to its input where
neither size nor width changes. Convolutions are padded alike on both sides, activations are cut at 6.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from netpick.models.backbones.bodies import Body, Stage

STEM, WIDTH = 32, 1280  # channels behind the first and the last convolution
NORM = ("weight", "bias", "running_mean", "running_var")


class ConvNorm(nn.Sequential):
    """A convolution without bias, batch norm, and the cut at 6 where asked for."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        epsilon: float,
        kernel: int = 1,
        stride: int = 1,
        each: bool = False,
        cut: bool = True,
    ) -> None:
        """each: every channel is filtered for itself."""
        groups = inputs if each else 1
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=epsilon, momentum=0.01),
        ]
        super().__init__(*layers, *([nn.ReLU6()] if cut else []))


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


class InvertedResiduals(nn.Module):
    """Pictures (B, 3, H, W), normalised, to maps (B, 1280, h, w), a 32nd of their sides."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvNorm(3, STEM, epsilon=body.epsilon, kernel=3, stride=2)]
        channels = STEM
        for stage in body.stages:
            for number in range(stage.blocks):
                layers.append(Inverted(channels, stage, stage.stride if number == 0 else 1, body.epsilon))
                channels = stage.width
        layers.append(ConvNorm(channels, WIDTH, epsilon=body.epsilon))
        self.layers = nn.Sequential(*layers)
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]

    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution and its norm, from the first to the last."""
        made = [module for module in self.modules() if isinstance(module, ConvNorm)]
        return [(one[0], one[1]) for one in made]  # type: ignore[misc]

    @torch.no_grad()
    def take(self, weights: Mapping[str, Tensor]) -> None:
        """The weights of the file that this body describes. Raises ValueError at the first that is missing, of another shape, or too many."""
        left = dict(weights)
        for (convolution, norm), (name, normed) in zip(self.pairs(), self.body.names(), strict=True):
            _copy(convolution.weight, left, f"{name}.weight")
            for part in NORM:
                _copy(getattr(norm, part), left, f"{normed}.{part}")
            left.pop(f"{normed}.num_batches_tracked", None)
        too_many = sorted(set(left) - set(self.body.beside))
        if too_many:
            raise ValueError(f"it holds '{too_many[0][:60]}', which such a network does not have")


def _copy(into: Tensor, weights: dict[str, Tensor], name: str) -> None:
    tensor = weights.pop(name, None)
    if tensor is None:
        raise ValueError(f"it holds no '{name}'")
    if tensor.shape != into.shape:
        raise ValueError(f"'{name}' is {tuple(tensor.shape)}, but {tuple(into.shape)} was expected")
    into.copy_(tensor)
