"""Residual networks for small pictures (He et al. 2016, section 4.2), with shortcuts that have no weights."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from netpick.models.backbones.bodies import Residual as Shape
from netpick.models.backbones.body import BodyNetwork, ConvNorm


class Residual(nn.Module):
    """Two convolutions, added to their input: every second pixel of it, and channels of zeros beside it, where the map shrinks."""

    def __init__(self, inputs: int, outputs: int, stride: int, epsilon: float) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, epsilon=epsilon, kernel=3, stride=stride, cut=False)
        self.second = ConvNorm(outputs, outputs, epsilon=epsilon, kernel=3, cut=False)
        self.stride, self.beside = stride, (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        made = self.second(self.first(x).relu())
        if self.beside:
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.beside, self.beside))
        return (made + x).relu()  # type: ignore[no-any-return]


class Residuals(BodyNetwork):
    """Maps (B, 64, h, w), a quarter of the pictures' sides."""

    def __init__(self, body: Shape) -> None:
        super().__init__(body)
        channels = body.widths[0]
        layers: list[nn.Module] = [ConvNorm(3, channels, epsilon=body.epsilon, kernel=3, cut=False), nn.ReLU()]
        for stage, width in enumerate(body.widths):
            for number in range(body.blocks):
                stride = 2 if stage > 0 and number == 0 else 1
                layers.append(Residual(channels, width, stride, body.epsilon))
                channels = width
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]
