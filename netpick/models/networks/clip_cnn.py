"""The CNN for clips: (2+1)-d convolutions, space and time by turns (Tran et al. 2018).

A convolution over the frame, then one over time at every place, each with its norm: cheaper than three dimensions at once,
and with one more activation in between. Both run as 2-d convolutions on the same memory: with channels last, (B * T, H, W, D)
and (B, T, H * W, D) are one array, so that turning from space to time copies nothing.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from netpick.models.networks.base import Architecture, Batch, Features, Trunk
from netpick.models.networks.blocks import Activation, Dropout, activation_layer
from netpick.models.networks.clip_frames import frame_inputs, frames_of
from netpick.models.networks.stems import GridStem
from netpick.types import STRICT, Inputs
from netpick.types.recipe import Recipe


@dataclass(config=STRICT, kw_only=True)
class ClipCnnSettings:
    """Size and kind of the network; neutral defaults, `presets` holds the opinions."""

    width: int = Field(default=16, ge=1)  # channels of the first stage; each later stage has twice as many
    stages: int = Field(default=3, ge=1, le=8)  # each later stage halves the map
    blocks: int = Field(default=1, ge=0, le=1000)  # residual blocks in each stage but the first
    kernel: int = Field(default=3, ge=1)  # of the first convolution over the frame
    stride: int = Field(default=1, ge=1)  # of the first convolution over the frame
    reach: int = Field(default=3, ge=1)  # frames that a convolution over time sees
    pooling: Literal["mean", "max", "mean_max"] = "mean"
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)  # of the pooled features


class SpaceTime(nn.Module):
    """A convolution over the frame, then one over time: (B * T, D, H, W), channels last, to the same with other D, H, W."""

    def __init__(self, inputs: int, outputs: int, settings: ClipCnnSettings, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        reach = settings.reach
        self.space = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.space_norm = nn.BatchNorm2d(outputs, momentum=0.3)
        self.time = nn.Conv2d(outputs, outputs, (reach, 1), padding=(reach // 2, 0), bias=False)
        self.time_norm = nn.BatchNorm2d(outputs, momentum=0.3)
        self.activation = activation_layer(settings.activation, dim=1)

    def forward(self, frames: Tensor, length: int) -> Tensor:
        # Of one grey channel torch makes maps in the other order of memory; for all others this is no copy.
        maps = self.space(frames).contiguous(memory_format=torch.channels_last)  # (B * T, D, h, w)
        maps = self.activation(self.space_norm(maps))
        size = maps.shape[2:]
        over_time = maps.permute(0, 2, 3, 1).reshape(maps.shape[0] // length, length, -1, maps.shape[1])
        over_time = self.time_norm(self.time(over_time.permute(0, 3, 1, 2)))[:, :, :length]  # (B, D, T, h * w)
        again: Tensor = over_time.permute(0, 2, 3, 1).reshape(maps.shape[0], *size, -1)
        return again.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A residual block: its input plus one convolution over space and time."""

    def __init__(self, channels: int, settings: ClipCnnSettings) -> None:
        super().__init__()
        self.convolution = SpaceTime(channels, channels, settings)
        self.activation = activation_layer(settings.activation, dim=1)

    def forward(self, frames: Tensor, length: int) -> Tensor:
        return self.activation(frames + self.convolution(frames, length))  # type: ignore[no-any-return]


class Stage(nn.Module):
    """One convolution to the stage's size, and its residual blocks."""

    def __init__(
        self, inputs: int, outputs: int, settings: ClipCnnSettings, kernel: int, stride: int, blocks: int
    ) -> None:
        super().__init__()
        self.enter = SpaceTime(inputs, outputs, settings, kernel, stride)
        self.activation = activation_layer(settings.activation, dim=1)
        self.blocks = nn.ModuleList(Block(outputs, settings) for _ in range(blocks))

    def forward(self, frames: Tensor, length: int) -> Tensor:
        frames = self.activation(self.enter(frames, length))
        for block in self.blocks:
            frames = block(frames, length)
        return frames


class ClipCnnTrunk(Trunk):
    """Clips (B, T, C, H, W) to features (B, D) pooled over space and time."""

    def __init__(self, inputs: Inputs, settings: ClipCnnSettings) -> None:
        super().__init__()
        spec = inputs["clip"]
        self.length = spec.shape[0]
        self.stem = GridStem(frame_inputs(inputs)["grid"])
        stages: list[nn.Module] = []
        channels, outputs = spec.shape[1], settings.width
        for number in range(settings.stages):
            kernel, stride = (settings.kernel, settings.stride) if number == 0 else (3, 2)
            stages.append(Stage(channels, outputs, settings, kernel, stride, settings.blocks if number else 0))
            channels, outputs = outputs, 2 * outputs
        self.stages = nn.ModuleList(stages)
        self.pooling = settings.pooling
        self.dropout = Dropout(settings.dropout)
        self.width = channels * (2 if settings.pooling == "mean_max" else 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, batch: Batch) -> Features:
        frames = self.stem(frames_of(batch)).contiguous(memory_format=torch.channels_last)  # (B * T, C, H, W)
        for stage in self.stages:
            frames = stage(frames, self.length)
        places = frames.permute(0, 2, 3, 1).reshape(
            frames.shape[0] // self.length, -1, frames.shape[1]
        )  # (B, T * h * w, D)
        parts = [places.mean(dim=1)] if "mean" in self.pooling else []
        parts += [places.amax(dim=1)] if "max" in self.pooling else []
        return Features(self.dropout(torch.cat(parts, dim=1)))


class ClipCnn(Architecture):
    """(2+1)-d residual network on clips."""

    Settings = ClipCnnSettings

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> ClipCnnSettings:
        """A last map of about 4 x 4; the first convolution strides, because at full size it would cost most."""
        side = min(inputs["clip"].shape[2:])
        if side < 16:
            return ClipCnnSettings(width=16, stages=2, blocks=1, pooling="mean_max", dropout=0.1)
        stages = max(3, (side - 1).bit_length() - 2)
        return ClipCnnSettings(width=16, stages=stages, blocks=1, kernel=5, stride=2, pooling="mean_max", dropout=0.1)

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """One-cycle AdamW (Smith & Topin 2018)."""
        return Recipe(
            learning_rate=4e-3,
            weight_decay=0.02,
            schedule="onecycle",
            warmup=0.2,
            batch_size=64 if num_rows >= 10_000 else 32,
            label_smoothing=0.1,
        )

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return ClipCnnTrunk(inputs, settings)
