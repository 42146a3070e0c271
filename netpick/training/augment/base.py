"""What every augmentation stands on: random numbers that are a hash of (seed, epoch, row), never a generator's state.

So a run resumes exactly at any step, and neither batch size nor threads change what a row looks like in an epoch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from netpick.types import Form, InputSpec

_GOLDEN = 0x9E3779B97F4A7C15
# A stream of random numbers each. The numbers stay as they are: a run of an older version comes out the same.
STREAMS: dict[str, int] = {
    "flip": 1,
    "shift": 2,
    "rotate": 3,
    "crop": 4,
    "cutout": 5,
    "colour": 6,
    "mixup": 7,
    "jitter": 8,
    "scale": 9,
    "time_shift": 10,
    "token_dropout": 11,
    "noise": 12,
    "spec_augment": 13,
    "speed": 14,
    "timbre": 15,
    "transpose": 16,
    "square": 17,
    "turn": 18,
    "zoom": 19,
    "bend": 20,
    "lean": 21,
}


class AugmentChoice(NamedTuple):
    """Augmentations that do not change what a label means, and why these."""

    names: tuple[str, ...]
    reason: str


class FormAugmenter(ABC):
    """The augmentations of one form. `names` are those in use; names for other forms are ignored."""

    form: ClassVar[Form]
    known: ClassVar[tuple[str, ...]]
    mixes: ClassVar[bool] = True  # whether mixup of the encoded values makes sense

    def __init__(self, names: Sequence[str], spec: InputSpec, seed: int) -> None:
        self.names = frozenset(name for name in names if name in self.known)
        self.spec = spec
        self.seed = seed

    def lengthened(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> tuple[Tensor, Tensor | None]:
        """The values with other lengths, and the mask that goes with them; before all else."""
        return values, mask

    def moved(
        self, values: Tensor, target: Tensor, sizes: Tensor | None, rows: Tensor, epoch: int
    ) -> tuple[Tensor, Tensor]:
        """Values (B, ...) and a target that lies in them (B, ...), moved alike, before all else; sizes (B, 2): heights and widths of
        pictures in their array."""
        return values, target

    @abstractmethod
    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        """The values (B, ...) of the rows (B,) int64 in this epoch; mask (B, T) for padded forms, None without padding."""

    @classmethod
    @abstractmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        """What suits the data: augmentations that could change a label's meaning are left out."""

    def _uniforms(self, name: str, rows: Tensor, count: int, epoch: int) -> Tensor:
        return uniforms(rows, count, (self.seed, epoch, STREAMS[name]))

    def _normals(self, name: str, rows: Tensor, count: int, epoch: int) -> Tensor:
        return normals(rows, count, (self.seed, epoch, STREAMS[name]))


def uniforms(rows: Tensor, count: int, key: Sequence[int]) -> Tensor:
    """(B, count) floats in [0, 1), a pure function of row numbers (B,) int64 and the key, on the rows' device.

    The hash is SplitMix64 (Steele et al. 2014) in wrapping int64 arithmetic: once per row, then once per number.
    """
    state = 0
    for part in key:
        state = _mix_integer(state + part + 1)
    per_row = _mix(rows * _signed(_GOLDEN) + _signed(state))
    steps = torch.arange(1, count + 1, device=rows.device) * _signed(_GOLDEN)
    bits = _mix(per_row.unsqueeze(1) + steps)
    return ((bits >> 40) & 0xFFFFFF).float() * 2.0**-24


def normals(rows: Tensor, count: int, key: Sequence[int]) -> Tensor:
    """(B, count) standard normal floats; as pure as `uniforms` (Box & Muller 1958)."""
    half = (count + 1) // 2
    numbers = uniforms(rows, 2 * half, key)
    radius = (-2.0 * (1.0 - numbers[:, :half]).log()).sqrt()
    angle = 2.0 * math.pi * numbers[:, half:]
    return torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)[:, :count]


def _signed(value: int) -> int:
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value


def _mix_integer(value: int) -> int:
    value = (value + _GOLDEN) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 31)


def _mix(bits: Tensor) -> Tensor:
    # int64 shifts to the right keep the sign: the mask makes them shifts of unsigned numbers.
    bits = (bits ^ ((bits >> 30) & ((1 << 34) - 1))) * _signed(0xBF58476D1CE4E5B9)
    bits = (bits ^ ((bits >> 27) & ((1 << 37) - 1))) * _signed(0x94D049BB133111EB)
    return bits ^ ((bits >> 31) & ((1 << 33) - 1))


def unit(images: Tensor) -> Tensor:
    """Bytes as float in 0..1; floats as they are."""
    return images if images.is_floating_point() else images.float() / 255
