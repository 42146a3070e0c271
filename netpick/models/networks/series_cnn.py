"""The CNN for series: residual inception blocks in one dimension.

After InceptionTime (Fawaz et al. 2020) and the residual network of Wang et al. (2017): parallel convolutions of several
lengths see short and long patterns at once. Kernels are sized to the series. Padded steps never enter: they are zero
before every convolution and have no part in norms and pooling.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer, masked_max, masked_mean
from netpick.models.networks.stems import SeriesStem, group_mask, group_steps
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class SeriesCnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=32, ge=1)  # channels of each parallel convolution
    blocks: int = Field(default=2, ge=1, le=1000)  # residual blocks
    depth: int = Field(default=2, ge=1, le=1000)  # inception layers in a block
    kernel: int = Field(default=9, ge=1)  # of the longest convolution
    branches: int = Field(default=3, ge=1, le=6)  # parallel convolutions, each half as long as the one before
    stride: int = Field(default=1, ge=1)  # steps averaged into one at the start
    pooling: Literal["mean", "max", "mean_max"] = "mean"
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the pooled features


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch norm of (B, D, T) over the valid steps; invalid ones come out as zero."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        valid = mask.unsqueeze(1)
        mean, variance = self.running_mean, self.running_var
        if self.training:
            values = x.float()
            count = valid.sum().clamp(min=1)
            mean = values.masked_fill(~valid, 0.0).sum(dim=(0, 2)) / count
            variance = (values - mean.view(1, -1, 1)).square().masked_fill(~valid, 0.0).sum(dim=(0, 2)) / count
            with torch.no_grad():
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(variance * (count / (count - 1).clamp(min=1)), 0.1)
        factor = self.weight * (variance + self.eps).rsqrt()
        normed = torch.addcmul((self.bias - mean * factor).view(1, -1, 1), x.float(), factor.view(1, -1, 1))
        return normed.masked_fill(~valid, 0.0).to(x.dtype)


class InceptionLayer(nn.Module):
    """Convolutions of halving length side by side, next to a maximum over three steps; then the norm."""

    def __init__(self, inputs: int, settings: SeriesCnnSettings) -> None:
        super().__init__()
        narrow = min(inputs, settings.width)
        kernels = [max(3, settings.kernel >> branch) | 1 for branch in range(settings.branches)]
        self.narrow = nn.Conv1d(inputs, narrow, 1, bias=False) if narrow < inputs else nn.Identity()
        self.branches = nn.ModuleList(
            nn.Conv1d(narrow, settings.width, kernel, padding=kernel // 2, bias=False) for kernel in kernels
        )
        self.peaks = nn.Conv1d(inputs, settings.width, 1, bias=False)
        self.width = settings.width * (settings.branches + 1)
        self.norm = MaskedBatchNorm(self.width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        narrow = self.narrow(x)
        # Zeros around the series, as padded rows have them: torch's own padding for the maximum is minus infinity.
        peaks = self.peaks(functional.max_pool1d(functional.pad(x, (1, 1)), 3, stride=1))
        return self.norm(torch.cat([*(branch(narrow) for branch in self.branches), peaks], dim=1), mask)  # type: ignore[no-any-return]


class InceptionBlock(nn.Module):
    """Some inception layers and a way around them."""

    def __init__(self, inputs: int, settings: SeriesCnnSettings) -> None:
        super().__init__()
        width = settings.width * (settings.branches + 1)
        layer_inputs = [inputs] + [width] * (settings.depth - 1)
        self.layers = nn.ModuleList(InceptionLayer(layer, settings) for layer in layer_inputs)
        self.shortcut = nn.Conv1d(inputs, width, 1, bias=False)
        self.shortcut_norm = MaskedBatchNorm(width)
        self.activation = activation_layer(settings.activation, dim=1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        out = x
        for index, layer in enumerate(self.layers):
            out = layer(out if index == 0 else zero_padding(self.activation(out), mask), mask)
        return zero_padding(self.activation(out + self.shortcut_norm(self.shortcut(x), mask)), mask)


def zero_padding(x: Tensor, mask: Tensor | None) -> Tensor:
    """(B, D, T) with zeros at invalid steps: an activation such as sigmoid does not keep them."""
    return x if mask is None else x.masked_fill(~mask.unsqueeze(1), 0.0)


class SeriesCnnTrunk(Trunk):
    """Series (B, T, C) to steps (B, T', D) and their pooled features."""

    def __init__(self, inputs: Inputs, settings: SeriesCnnSettings) -> None:
        super().__init__()
        spec = inputs["series"]
        self.stem = SeriesStem(spec)
        self.stride, self.pooling = settings.stride, settings.pooling
        self.group = settings.stride
        width = settings.width * (settings.branches + 1)
        block_inputs = [spec.shape[1]] + [width] * (settings.blocks - 1)
        self.blocks = nn.ModuleList(InceptionBlock(block, settings) for block in block_inputs)
        self.dropout = Dropout(settings.dropout)
        self.step_width, self.width = width, width * (2 if settings.pooling == "mean_max" else 1)

    def forward(self, batch: Batch) -> Features:
        series, mask = self.stem(batch)
        series, mask = shorten(series, mask, self.stride)
        x = series.transpose(1, 2)  # (B, C, T')
        for block in self.blocks:
            x = block(x, mask)  # (B, D, T')
        steps = x.transpose(1, 2)
        pools = {"mean": [masked_mean], "max": [masked_max], "mean_max": [masked_mean, masked_max]}[self.pooling]
        pooled = torch.cat([pool(steps, mask) for pool in pools], dim=1)
        return Features(self.dropout(pooled), steps=steps, mask=mask)


def shorten(series: Tensor, mask: Tensor | None, stride: int) -> tuple[Tensor, Tensor | None]:
    """Means of `stride` steps each, over the valid ones: (B, T, C) to (B, ceil(T / stride), C), and the mask."""
    if stride == 1:
        return series, mask
    everything = torch.ones(series.shape[:2], dtype=torch.bool, device=series.device)
    valid = group_mask(everything if mask is None else mask, stride)
    means = group_steps(series, stride).sum(dim=2) / valid.sum(dim=2, keepdim=True).clamp(min=1)
    return means, None if mask is None else valid.any(dim=2)


class SeriesCnn(Architecture):
    """Residual inception network on series."""

    Settings = SeriesCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> SeriesCnnSettings:
        """Kernels of about a quarter of the series, after averaging long ones down to some 250 steps."""
        length = inputs["series"].shape[0]
        stride = max(1, length // 250)
        kernel = max(5, min(39, length // stride // 4))
        width = 16 if num_rows < 200 else 32
        return SeriesCnnSettings(
            width=width, blocks=2, depth=2, kernel=kernel, stride=stride, pooling="mean", dropout=0.1
        )

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        return Recipe(
            learning_rate=3e-3,
            weight_decay=0.05,
            schedule="onecycle",
            warmup=0.2,
            batch_size=16 if num_rows < 200 else 32 if num_rows < 2_000 else 64,
            label_smoothing=0.1,
            average=0.98,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return SeriesCnnTrunk(inputs, settings)
