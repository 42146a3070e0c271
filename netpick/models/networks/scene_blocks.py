"""What networks share that read pictures of any size: the entrance, convolutions with a norm, and sides that can be halved."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.infer import per_channel
from netpick.models.networks.base import Batch
from netpick.types import InputSpec

MOMENTUM = 0.1


class SceneStem(nn.Module):
    """Pictures (B, C, H, W), uint8 or float in 0..1, to floats normalised by the data's mean and deviation per channel."""

    factor: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        mean = per_channel(spec.mean, spec, 0.0)
        std = per_channel(spec.std, spec, 1.0).clamp(min=1e-3)
        self.name = spec.form
        self.register_buffer("factor", 1 / std, persistent=False)
        self.register_buffer("offset", -mean / std, persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        pictures = batch[self.name]
        factor = self.factor if pictures.is_floating_point() else self.factor / 255
        normal = torch.addcmul(self.offset, pictures.float(), factor)
        return normal.contiguous(memory_format=torch.channels_last) if normal.shape[1] > 1 else normal


class ConvNorm(nn.Sequential):
    """A convolution, batch norm and ReLU; the size stays, or is divided by the stride."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        super().__init__(convolution, nn.BatchNorm2d(outputs, momentum=MOMENTUM), nn.ReLU())


def padded_to(x: Tensor, multiple: int) -> Tensor:
    """(B, C, H, W) with the edges repeated below and on the right, so that both sides are multiples."""
    height, width = x.shape[2:]
    below, right = -height % multiple, -width % multiple
    if not isinstance(below, int) or not isinstance(right, int) or below or right:
        return functional.pad(x, (0, right, 0, below), mode="replicate")
    return x
