"""Images: flip, shift, rotate, crop, cutout, colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from netpick.models.infer import per_channel
from netpick.training.augment.base import AugmentChoice, FormAugmenter, unit
from netpick.types import Form, InputSpec

SHIFT = 1 / 16  # of the image's side, each way; at least one pixel
ROTATION = 10.0  # degrees, each way
CROP = 0.7  # the smallest share of the side that a crop keeps
CUTOUT = 0.3  # of the image's side
BRIGHTNESS, CONTRAST, SATURATION = 0.15, 0.25, 0.25


class GridAugmenter(FormAugmenter):
    """Images stay uint8 where that loses nothing (flip, shift, cutout), else they become float in 0..1."""

    form: ClassVar[Form] = "grid"
    known: ClassVar[tuple[str, ...]] = ("flip", "shift", "rotate", "crop", "cutout", "colour", "mixup")

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        images = values
        if self.names & {"rotate", "crop"}:
            images = self._warp(images, rows, epoch)
        elif self.names & {"flip", "shift"}:
            images = self._move(images, rows, epoch)
        if "colour" in self.names:
            images = self._colour(unit(images), rows, epoch)
        if "cutout" in self.names:
            images = self._cutout(images, rows, epoch)
        return images

    def _signs(self, rows: Tensor, epoch: int) -> Tensor:
        """(B,) of -1 for images to mirror, 1 for the others."""
        if "flip" not in self.names:
            return torch.ones(len(rows), device=rows.device)
        return torch.where(self._uniforms("flip", rows, 1, epoch)[:, 0] < 0.5, -1.0, 1.0)

    def _shifts(self, rows: Tensor, height: int, width: int, epoch: int) -> Tensor:
        """(B, 2) whole pixels, down and right."""
        if "shift" not in self.names:
            return torch.zeros(len(rows), 2, device=rows.device)
        most = torch.tensor([max(1, round(height * SHIFT)), max(1, round(width * SHIFT))], device=rows.device)
        return (self._uniforms("shift", rows, 2, epoch) * (2 * most + 1)).floor() - most

    def _move(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Flip and shift in one gather; what moves in from outside repeats the edge."""
        height, width = images.shape[2:]
        shifts = self._shifts(rows, height, width, epoch).long()
        down = (torch.arange(height, device=rows.device) - shifts[:, :1]).clamp_(0, height - 1)  # (B, H)
        right = (torch.arange(width, device=rows.device) - shifts[:, 1:]).clamp_(0, width - 1)  # (B, W)
        if "flip" in self.names:
            mirrored = self._signs(rows, epoch).unsqueeze(1) < 0
            right = torch.where(mirrored, width - 1 - right, right)
        source = (down.unsqueeze(2) * width + right.unsqueeze(1)).flatten(1).unsqueeze(1)  # (B, 1, H * W)
        flat = images.flatten(2)
        return flat.gather(2, source.expand(-1, images.shape[1], -1)).view(images.shape)

    def _warp(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Rotation, crop, shift and flip in one bilinear resampling."""
        height, width = images.shape[2:]
        angle = torch.zeros(len(rows), device=rows.device)
        size = torch.ones(len(rows), device=rows.device)
        centre = self._shifts(rows, height, width, epoch) * torch.tensor([-2 / height, -2 / width], device=rows.device)
        if "rotate" in self.names:
            angle = (self._uniforms("rotate", rows, 1, epoch)[:, 0] * 2 - 1) * math.radians(ROTATION)
        if "crop" in self.names:
            numbers = self._uniforms("crop", rows, 3, epoch)
            size = CROP + (1 - CROP) * numbers[:, 0]
            centre = centre + (1 - size).unsqueeze(1) * (numbers[:, 1:] * 2 - 1)
        sign = self._signs(rows, epoch)
        ratio = height / width  # the grid is in -1..1 along both sides; a rotation must not shear oblong images
        across = torch.stack([size * angle.cos() * sign, -size * angle.sin() * ratio, centre[:, 1]], dim=1)
        along = torch.stack([size * angle.sin() / ratio * sign, size * angle.cos(), centre[:, 0]], dim=1)
        grid = functional.affine_grid(torch.stack([across, along], dim=1), list(images.shape), align_corners=False)
        return functional.grid_sample(unit(images), grid, padding_mode="border", align_corners=False)

    def _colour(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Brightness, contrast and, for three channels, saturation."""
        numbers = (self._uniforms("colour", rows, 3, epoch) * 2 - 1).view(-1, 3, 1, 1)
        level = images.mean(dim=(1, 2, 3), keepdim=True)
        contrast = 1 + CONTRAST * numbers[:, 1:2]
        images = images * contrast + (level * (1 - contrast) + BRIGHTNESS * numbers[:, :1])
        if images.shape[1] == 3:
            images = torch.lerp(images.mean(dim=1, keepdim=True), images, 1 + SATURATION * numbers[:, 2:])
        return images.clamp(0.0, 1.0)

    def _cutout(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """A square of the data's mean colour (DeVries & Taylor 2017); its centre may lie anywhere in the image."""
        height, width = images.shape[2:]
        numbers = self._uniforms("cutout", rows, 2, epoch)
        half = CUTOUT * min(height, width) / 2
        down = ((torch.arange(height, device=rows.device) + 0.5) - numbers[:, :1] * height).abs() <= half  # (B, H)
        right = ((torch.arange(width, device=rows.device) + 0.5) - numbers[:, 1:] * width).abs() <= half  # (B, W)
        hidden = (down.unsqueeze(2) & right.unsqueeze(1)).unsqueeze(1)  # (B, 1, H, W)
        mean = per_channel(self.spec.mean, self.spec, 0.0).to(images.device)
        fill = mean if images.is_floating_point() else (mean * 255).round().to(images.dtype)
        return torch.where(hidden, fill, images)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        channels, height, width = spec.shape
        if min(height, width) < 12:
            return AugmentChoice((), f"{height}x{width} pixels are too few to move")
        if channels != 3:
            return AugmentChoice(("shift",), "small shifts; no mirroring, which can change what a grey image means")
        if any(_has_a_side(name) for name in classes):
            return AugmentChoice(("shift",), "small shifts; no mirroring, because the classes have a side")
        # Crops and colour make the task harder than a short budget can use: cats_dogs in 16 s, 78 % with these two, 73 % with all.
        return AugmentChoice(("flip", "shift"), "colour pictures: mirrored, with small shifts")


def _has_a_side(name: str) -> bool:
    """A class that mirroring could turn into another: a single letter, a number, left or right."""
    words = name.lower().replace("_", " ").replace("-", " ").split()
    return any(len(word) == 1 or word.isdigit() or word in ("left", "right", "east", "west") for word in words)
