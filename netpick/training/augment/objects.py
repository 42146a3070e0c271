"""Pictures with objects: mirrored, moved, larger or smaller, with other colours; the boxes move alike.

What is left of an object at an edge is an object as long as it is a third of it; less is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from netpick.training.augment.affine import warp_boxes, warp_pictures
from netpick.training.augment.base import AugmentChoice, FormAugmenter, unit
from netpick.types import Form, InputSpec

SMALLER, LARGER = 0.7, 1.6
BRIGHTNESS, CONTRAST, GAIN = 0.12, 0.2, 0.1
SEEN = 0.33  # of an object's area
ASIDE = 2  # what the sixth number of a target says


class ObjectAugmenter(FormAugmenter):
    """Pictures (B, C, H, W) and boxes (B, M, 8)."""

    form: ClassVar[Form] = "objects"
    known: ClassVar[tuple[str, ...]] = ("flip", "flip_down", "zoom", "colour")
    mixes: ClassVar[bool] = False  # two lists of boxes have no mean

    def moved(
        self, values: Tensor, target: Tensor, sizes: Tensor | None, rows: Tensor, epoch: int
    ) -> tuple[Tensor, Tensor]:
        count, size = len(rows), (int(values.shape[2]), int(values.shape[3]))
        if sizes is None:
            sizes = torch.tensor(size, device=values.device).expand(count, 2)
        extent = sizes.flip(1).float()  # width, height of the pictures
        sign = torch.ones(count, 2, device=values.device)
        for axis, name in enumerate(("flip", "flip_down")):
            if name in self.names:
                drawn = self._uniforms("flip" if axis == 0 else "turn", rows, 1, epoch)[:, 0]
                sign[:, axis] = torch.where(drawn < 0.5, -1.0, 1.0)
        factor = torch.ones(count, 1, device=values.device)
        shift = torch.zeros(count, 2, device=values.device)
        if "zoom" in self.names:
            numbers = self._uniforms("zoom", rows, 3, epoch)
            low, high = torch.tensor([1 / LARGER, 1 / SMALLER]).log().tolist()
            factor = (low + (high - low) * numbers[:, :1]).exp()  # pixels of the picture that become one
            shift = (numbers[:, 1:] - 0.5) * (extent - factor * extent)  # so that a smaller picture stays inside
        # x = sign * factor * (u - middle) + middle + shift
        scale = sign * factor
        middle = extent / 2
        matrix = torch.zeros(count, 2, 3, device=values.device)
        matrix[:, 0, 0], matrix[:, 1, 1] = scale[:, 0], scale[:, 1]
        matrix[:, :, 2] = middle + shift - scale * middle
        if not {"zoom"} & self.names and not (sign < 0).any():
            return values, target
        pictures = warp_pictures(values, matrix, size, between="zoom" in self.names)
        return pictures, _within(target, warp_boxes(target[..., :4], matrix), extent)

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        if "colour" not in self.names:
            return values
        pictures = unit(values)
        channels = pictures.shape[1]
        numbers = (self._uniforms("colour", rows, 2 + channels, epoch) * 2 - 1).view(-1, 2 + channels, 1, 1)
        gain = (1 + CONTRAST * numbers[:, :1]) * (1 + GAIN * numbers[:, 2:])
        level = pictures.mean(dim=(1, 2, 3), keepdim=True)
        return ((pictures - level) * gain + level + BRIGHTNESS * numbers[:, 1:2]).clamp(0.0, 1.0)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        words = {word for name in classes for word in name.lower().replace("_", " ").replace("-", " ").split()}
        if words & {"left", "right"}:
            return AugmentChoice(
                ("zoom", "colour"), "larger and smaller; not mirrored, because the classes have a side"
            )
        return AugmentChoice(("flip", "zoom", "colour"), "mirrored, larger and smaller, with other colours")


def _within(target: Tensor, boxes: Tensor, extent: Tensor) -> Tensor:
    """The target with boxes cut at the pictures' edges; what is hardly seen any more is set aside, what is not seen is nothing."""
    limit = extent.repeat(1, 2).unsqueeze(1)
    cut = torch.minimum(boxes.clamp(min=0), limit)
    before = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=2)
    after = (cut[..., 2:] - cut[..., :2]).clamp(min=0).prod(dim=2)
    share = after / before.clamp(min=1e-6)
    what = target[..., 5]
    what = torch.where((what > 0) & (share < SEEN), torch.full_like(what, ASIDE), what)
    what = torch.where((what > 0) & (after < 4.0), torch.zeros_like(what), what)
    return torch.cat([cut, target[..., 4:5], what.unsqueeze(2), target[..., 6:]], dim=2)
