"""Pieces of music: transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from netpick.training.augment.base import AugmentChoice, FormAugmenter
from netpick.types import Form, InputSpec

DOWN, KEYS = 5, 12  # half tones down at most, and how many keys there are
SILENCE = 3  # its number; notes are behind it


class ChordAugmenter(FormAugmenter):
    """Chords (B, C + T, V) in another key: what goes on is the same, half tones higher or lower."""

    form: ClassVar[Form] = "chords"
    known: ClassVar[tuple[str, ...]] = ("transpose",)
    mixes: ClassVar[bool] = False

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        if "transpose" not in self.names:
            return values
        drawn = self._uniforms("transpose", rows, 1, epoch)[:, 0]
        moved = (drawn * KEYS).long() - DOWN  # (B,) from -5 to 6
        note = values > SILENCE
        highest = torch.where(note, values, SILENCE + 1).flatten(1).amax(dim=1)
        lowest = torch.where(note, values, self.spec.cardinalities[0] - 1).flatten(1).amin(dim=1)
        moved = torch.minimum(moved, self.spec.cardinalities[0] - 1 - highest)
        moved = torch.maximum(moved, SILENCE + 1 - lowest)
        return torch.where(note, values + moved[:, None, None], values)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        return AugmentChoice(("transpose",), "music: each block in another key each time")
