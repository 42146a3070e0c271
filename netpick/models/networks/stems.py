"""What comes first in networks for images and series: the stored values as normalised floats, padding set to zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.infer import per_channel
from netpick.models.networks.base import Batch
from netpick.types import InputSpec


class GridStem(nn.Module):
    """Images (B, C, H, W), uint8 or float in 0..1, to floats normalised by the data's mean and deviation per channel."""

    factor: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        mean = per_channel(spec.mean, spec, 0.0)
        std = per_channel(spec.std, spec, 1.0).clamp(min=1e-3)
        self.register_buffer("factor", 1 / std, persistent=False)
        self.register_buffer("offset", -mean / std, persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        images = batch["grid"]
        # One multiplication and one addition per pixel, whatever the type.
        factor = self.factor if images.is_floating_point() else self.factor / 255
        return torch.addcmul(self.offset, images.float(), factor)


class SeriesStem(nn.Module):
    """Series (B, T, C) with the padding zeroed, and its mask (B, T); None when every step is valid."""

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.padded = spec.padded

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        series = batch["series"].float()
        if not self.padded:
            return series, None
        mask = batch["series.mask"]
        return series.masked_fill(~mask.unsqueeze(-1), 0.0), mask


def group_steps(steps: Tensor, size: int) -> Tensor:
    """(B, T, C) to (B, ceil(T / size), size, C), zeros behind the last step."""
    padded = functional.pad(steps, (0, 0, 0, -steps.shape[1] % size))
    return padded.view(padded.shape[0], -1, size, padded.shape[2])


def group_mask(mask: Tensor, size: int) -> Tensor:
    """(B, T) to (B, ceil(T / size), size), False behind the last step."""
    return functional.pad(mask, (0, -mask.shape[1] % size)).view(mask.shape[0], -1, size)
