"""Pictures with a mask: a square of each, turned, mirrored, larger or smaller, brighter or darker. The mask moves alike.

A third of the squares are the one of several drawn that holds the most of what is not the commonest class of its picture (after
nnU-Net, Isensee et al. 2021, which forces a third of its patches to hold foreground).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from netpick.training.augment.affine import OUTSIDE, about, bends, compose, warp_masks, warp_pictures
from netpick.training.augment.base import AugmentChoice, FormAugmenter, unit
from netpick.types import Form, InputSpec

ZOOM = 1.4  # larger or smaller, at most
BRIGHTNESS, CONTRAST = 0.15, 0.25
FORCED = 1 / 3  # of the squares, that are chosen for what they hold
DRAWN = 4  # squares that such a one is chosen of
BEND, LATTICE = (
    0.04,
    3,
)  # deviation of elastic steps as a share of the square's side, and points of a side of their lattice
STRIDE = 8  # pixels; every eighth is looked at to choose


class SceneAugmenter(FormAugmenter):
    """Squares of pictures (B, C, S, S): bytes as long as pixels only change their places, else floats in 0..1."""

    form: ClassVar[Form] = "scene"
    known: ClassVar[tuple[str, ...]] = ("square", "flip", "turn", "lean", "zoom", "bend", "colour")
    mixes: ClassVar[bool] = False  # two masks have no mean

    def moved(
        self, values: Tensor, target: Tensor, sizes: Tensor | None, rows: Tensor, epoch: int
    ) -> tuple[Tensor, Tensor]:
        if sizes is None:
            sizes = torch.tensor(values.shape[-2:], device=values.device).expand(len(rows), 2)
        side = self.spec.ahead[1]
        corner = self._corners(target, sizes, side, rows, epoch)
        linear = self._turned(rows, epoch)
        place = torch.cat([torch.eye(2, device=values.device).expand(len(rows), 2, 2), corner.flip(1).unsqueeze(2)], 2)
        matrix = compose(about(linear, (side, side)), place)
        bend = self._bent(side, rows, epoch) if "bend" in self.names else None
        between = bool(self.names & {"zoom", "lean", "bend"})
        pictures = warp_pictures(values, matrix, (side, side), between=between, bend=bend)
        return pictures, warp_masks(target, matrix, (side, side), bend)

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        if "colour" not in self.names:
            return values
        pictures = unit(values)
        numbers = (self._uniforms("colour", rows, 2, epoch) * 2 - 1).view(-1, 2, 1, 1)
        level = pictures.mean(dim=(1, 2, 3), keepdim=True)
        contrast = 1 + CONTRAST * numbers[:, 1:]
        return (pictures * contrast + (level * (1 - contrast) + BRIGHTNESS * numbers[:, :1])).clamp(0.0, 1.0)

    def _corners(self, target: Tensor, sizes: Tensor, side: int, rows: Tensor, epoch: int) -> Tensor:
        """(B, 2) top left corners (down, right) of the squares; a smaller picture lies in the middle of its square."""
        numbers = self._uniforms("square", rows, 2 * DRAWN + 1, epoch)
        room = (sizes - side).float().unsqueeze(1)  # (B, 1, 2), negative where the picture is smaller
        drawn = (numbers[:, 1:].view(-1, DRAWN, 2) * (room.clamp(min=0) + 1)).floor()
        corners = torch.where(room >= 0, torch.minimum(drawn, room.clamp(min=0)), (room / 2).floor())
        best = held(target, corners, side).argmax(dim=1)
        chosen = torch.where(numbers[:, 0] < FORCED, best, torch.zeros_like(best))
        return corners[torch.arange(len(rows), device=corners.device), chosen]

    def _turned(self, rows: Tensor, epoch: int) -> Tensor:
        """(B, 2, 2): quarter turns, mirrored sides and the scale."""
        count, device = len(rows), rows.device
        linear = torch.eye(2, device=device).expand(count, 2, 2)
        if "flip" in self.names:
            sign = torch.where(self._uniforms("flip", rows, 1, epoch)[:, 0] < 0.5, -1.0, 1.0)
            linear = torch.stack([sign.view(-1, 1), torch.ones(count, 1, device=device)], dim=1) * linear
        if "turn" in self.names:
            angle = (self._uniforms("turn", rows, 1, epoch)[:, 0] * 4).floor() * (math.pi / 2)
            cosine, sine = angle.cos().round(), angle.sin().round()
            turn = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
            linear = turn @ linear
        if "lean" in self.names:
            angle = (self._uniforms("lean", rows, 1, epoch)[:, 0] * 2 - 1) * (math.pi / 4)
            cosine, sine = angle.cos(), angle.sin()
            linear = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1) @ linear
        if "zoom" in self.names:
            factor = ZOOM ** (self._uniforms("zoom", rows, 1, epoch)[:, 0] * 2 - 1)
            linear = linear * factor.view(-1, 1, 1)
        return linear

    def _bent(self, side: int, rows: Tensor, epoch: int) -> Tensor:
        """(B, side, side, 2) elastic steps, in pixels."""
        numbers = self._normals("bend", rows, 2 * LATTICE * LATTICE, epoch).view(-1, 2, LATTICE, LATTICE)
        return bends(numbers * (BEND * side), (side, side))

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        if spec.shape[0] == 1:
            return AugmentChoice(
                ("square", "flip", "turn", "colour"), "grey pictures: squares, turned and mirrored, brighter and darker"
            )
        if any({"left", "right"} & set(name.lower().replace("_", " ").replace("-", " ").split()) for name in classes):
            return AugmentChoice(("square", "zoom", "colour"), "squares; no mirroring, because the classes have a side")
        return AugmentChoice(
            ("square", "flip", "zoom", "colour"), "colour pictures: squares, mirrored, larger and smaller"
        )


def held(target: Tensor, corners: Tensor, side: int) -> Tensor:
    """(B, K) of about how many pixels of other classes than the commonest of its picture each square holds.

    target (B, H, W) uint8, corners (B, K, 2).
    """
    few = target[:, ::STRIDE, ::STRIDE].long()
    counts = torch.zeros(len(few), OUTSIDE + 1, dtype=torch.long, device=few.device)
    counts.scatter_add_(1, few.flatten(1), torch.ones_like(few.flatten(1)))
    commonest = counts[:, :OUTSIDE].argmax(dim=1).view(-1, 1, 1)
    rare = ((few != commonest) & (few != OUTSIDE)).long()
    sums = torch.nn.functional.pad(rare.cumsum(1).cumsum(2), (1, 0, 1, 0))  # (B, h + 1, w + 1)
    height, width = rare.shape[1:]
    start = (corners / STRIDE).ceil().long().clamp(min=0)
    end = ((corners + side) / STRIDE).ceil().long()
    top, left = start[..., 0].clamp(max=height), start[..., 1].clamp(max=width)
    bottom, right = end[..., 0].clamp(0, height), end[..., 1].clamp(0, width)
    row = torch.arange(len(target), device=target.device).unsqueeze(1)
    return sums[row, bottom, right] - sums[row, top, right] - sums[row, bottom, left] + sums[row, top, left]
