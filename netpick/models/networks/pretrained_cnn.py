"""A CNN that starts from what others have learned: a backbone (models/backbones/) under a new output layer.

While the first part of the steps the backbone is held as it is and only the output layer learns; then all learns, the backbone at
a small part of the rate (Howard & Ruder 2018; Kumar et al. 2022 on why the output layer comes first).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from netpick.errors import RequestError
from netpick.models.backbones import PICTURES
from netpick.models.backbones.networks import network_of
from netpick.models.networks.base import Architecture, Batch, Features, Size, Trained, Trunk
from netpick.models.networks.blocks import Dropout
from netpick.types import STRICT, Inputs, InputSpec
from netpick.types.recipe import FINE_TUNED, Recipe


@dataclass(config=STRICT, kw_only=True)
class PretrainedCnnSettings:
    """Which backbone, and how large its pictures are."""

    pretrained: Literal["efficientnet_lite0", "mobilenet_v2", "resnet20"] = "efficientnet_lite0"
    side: int = Field(
        default=0, ge=0, le=1024
    )  # pixels of the shorter side that the backbone sees; 0: as the pictures are
    dropout: float = Field(default=0.2, ge=0, lt=1)  # of the pooled features


class PretrainedBody(Trained):
    """Pictures (B, C, H, W), uint8 or in 0..1, to the backbone's maps (B, D, h, w)."""

    factor: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec, settings: PretrainedCnnSettings) -> None:
        super().__init__()
        backbone = PICTURES[settings.pretrained]
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (backbone.mean, backbone.std))
        self.register_buffer("factor", 1 / std, persistent=False)
        self.register_buffer("offset", -mean / std, persistent=False)
        self.body = network_of(backbone.body)
        height, width = spec.shape[1:]
        side = settings.side or min(max(min(height, width), backbone.least_side), backbone.most_side)
        self.pooled = max(1, min(height, width) // side)  # as many pixels a side are averaged into one first
        self.size = (round(height * side / min(height, width)), round(width * side / min(height, width)))
        self.resized = self.size != (height // self.pooled, width // self.pooled)

    def forward(self, images: Tensor) -> Tensor:
        factor = self.factor if images.is_floating_point() else self.factor / 255
        images = images.float()
        if self.pooled > 1:
            images = functional.avg_pool2d(images, self.pooled)
        if self.resized:
            images = functional.interpolate(images, self.size, mode="bilinear", align_corners=False)
        images = torch.addcmul(self.offset, images, factor)  # grey pictures become three equal channels
        return self.body(images.contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]


class PretrainedCnnTrunk(Trunk):
    """The backbone's last map and its mean."""

    def __init__(self, inputs: Inputs, settings: PretrainedCnnSettings) -> None:
        super().__init__()
        self.width = self.map_width = PICTURES[settings.pretrained].body.width
        self.body = PretrainedBody(inputs["grid"], settings)
        self.dropout = Dropout(settings.dropout)

    def forward(self, batch: Batch) -> Features:
        maps = self.body(batch["grid"])
        return Features(self.dropout(maps.mean(dim=(2, 3))), map=maps)


class PretrainedCnn(Architecture):
    """A backbone for pictures, trained on."""

    Settings = PretrainedCnnSettings
    fewest_passes = 1.0

    def presets(self, inputs: Inputs, num_rows: int, num_outputs: int) -> PretrainedCnnSettings:
        """The pictures as they are, enlarged where they are small."""
        return PretrainedCnnSettings()

    def sizes(self, inputs: Inputs, num_rows: int, num_outputs: int, seconds: float) -> Sequence[Size]:
        """Smaller pictures where the time is short."""
        side = min(inputs["grid"].shape[1:])
        smaller = [
            Size(
                settings=PretrainedCnnSettings(side=pixels),
                passes=self.fewest_passes,
                remark=f"its backbone sees the pictures at {pixels} pixels a side, to fit the budget",
            )
            for pixels in (112, 80)
            if pixels < side
        ]
        return [Size(settings=PretrainedCnnSettings(), passes=2.0), *smaller]

    def recipe(self, inputs: Inputs, num_rows: int, num_outputs: int) -> Recipe:
        """AdamW; the output layer alone for half of the time."""
        return replace(FINE_TUNED, label_smoothing=0.05, held=0.5, body_rate=0.05)

    def build(self, inputs: Inputs, settings: Any) -> Trunk:
        return PretrainedCnnTrunk(inputs, settings)

    def origin(self, settings: Any) -> str:
        """The backbone's paper, data and licence."""
        backbone = PICTURES[settings.pretrained]
        return f"starts from {backbone.source}, learned from {backbone.learned_from}; licence of the weights: {backbone.licence}"

    def begin(self, trunk: nn.Module, settings: Any, weights: Path | None) -> None:
        """Puts the backbone's weights in. Raises RequestError where this machine does not have them, or they do not fit."""
        from netpick.models.backbones.found import weights_of

        assert isinstance(trunk, PretrainedCnnTrunk)
        try:
            trunk.body.body.take(weights_of(settings.pretrained, weights))
        except ValueError as error:
            raise RequestError(
                f"The weights {weights or settings.pretrained} do not fit {settings.pretrained}: {error}."
            ) from None
