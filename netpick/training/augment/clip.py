"""Clips: flip, shift, rotate, crop and cutout of images, the same in all frames of a clip, so that nothing moves by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor

from netpick.training.augment.base import AugmentChoice, FormAugmenter
from netpick.training.augment.grid import GridAugmenter
from netpick.types import Form, InputSpec

LEAST_SIDE = 12  # pixels; smaller frames are left where they are


class ClipAugmenter(FormAugmenter):
    """A clip (T, C, H, W) is moved as one image of T * C channels."""

    form: ClassVar[Form] = "clip"
    known: ClassVar[tuple[str, ...]] = ("flip", "shift", "rotate", "crop", "cutout", "mixup")

    def __init__(self, names: Sequence[str], spec: InputSpec, seed: int) -> None:
        super().__init__(names, spec, seed)
        frames, channels, height, width = spec.shape
        shape = (frames * channels, height, width)
        stacked = InputSpec(form="grid", shape=shape, mean=spec.mean * frames, std=spec.std * frames)
        self._grid = GridAugmenter([name for name in names if name in self.names], stacked, seed)

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        return self._grid(values.flatten(1, 2), None, rows, epoch).view(values.shape)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        height, width = spec.shape[2:]
        if min(height, width) < LEAST_SIDE:
            return AugmentChoice((), f"{height}x{width} pixels are too few to move")
        return AugmentChoice(("shift",), "small shifts of all frames alike; no mirroring, which turns left into right")
