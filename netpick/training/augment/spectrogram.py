"""Sounds as log-mel frames: time_shift, noise, spec_augment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from netpick.models.infer import per_channel
from netpick.training.augment.base import AugmentChoice, FormAugmenter, unit
from netpick.types import Form, InputSpec

TIME_SHIFT = 0.1  # of the sound's length, each way; at least one frame
UNREST = 0.04  # the largest change of a value, of a range of 1
FLOOR = 0.35  # the loudest that background noise may be, of a range of 1
STRIPES = 2  # of each direction
TIME_STRIPE, BAND_STRIPE = 0.15, 0.15  # the widest, of a sound's length and of the bands


class SpectrogramAugmenter(FormAugmenter):
    """Sounds (B, T, F), uint8 until something needs floats in 0..1; padding stays 0, and the mask is left alone."""

    form: ClassVar[Form] = "spectrogram"
    known: ClassVar[tuple[str, ...]] = ("time_shift", "noise", "spec_augment", "mixup")

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        sounds, valid = values, mask
        if valid is None:
            valid = torch.ones(sounds.shape[:2], dtype=torch.bool, device=sounds.device)
        lengths = valid.sum(dim=1, keepdim=True)  # (B, 1)
        if "time_shift" in self.names:
            sounds = self._time_shift(sounds, lengths, rows, epoch)
        if "noise" in self.names:
            sounds = self._noise(unit(sounds), rows, epoch)
        if "spec_augment" in self.names:
            sounds = self._spec_augment(unit(sounds), lengths, rows, epoch)
        return sounds.masked_fill(~valid.unsqueeze(2), 0)

    def _time_shift(self, sounds: Tensor, lengths: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Starts earlier or later within the same length; what moves in from outside is silence."""
        most = (lengths * TIME_SHIFT).round().clamp(min=1)
        offset = (self._uniforms("time_shift", rows, 1, epoch) * (2 * most + 1)).floor().long() - most.long()
        source = torch.arange(sounds.shape[1], device=rows.device) - offset  # (B, T)
        inside = (source >= 0) & (source < lengths)
        index = source.clamp(0, sounds.shape[1] - 1).unsqueeze(2).expand_as(sounds)
        return sounds.gather(1, index).masked_fill(~inside.unsqueeze(2), 0)

    def _noise(self, sounds: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """A steady background of random loudness, and some unrest in every value.

        The values are logarithms, so the louder of sound and background is what remains of both.
        """
        # The first numbers are the same for any count of them: how far a batch is padded does not change a row.
        numbers = self._uniforms("noise", rows, 1 + sounds[0].numel(), epoch)
        loudness = FLOOR * numbers[:, :1].unsqueeze(2)
        unrest = UNREST * (2 * numbers[:, 1:].view(sounds.shape) - 1)
        return (torch.maximum(sounds, loudness) + unrest).clamp(0.0, 1.0)

    def _spec_augment(self, sounds: Tensor, lengths: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Stripes of time and of bands hidden behind the data's mean (Park et al. 2019), without the warping."""
        numbers = self._uniforms("spec_augment", rows, 4 * STRIPES, epoch).view(len(rows), 4, STRIPES)
        length, bands = sounds.shape[1:]
        times = stripes(numbers[:, 0], numbers[:, 1], lengths * TIME_STRIPE, lengths, length)  # (B, T)
        size = torch.full_like(lengths, bands)
        hidden = stripes(numbers[:, 2], numbers[:, 3], size * BAND_STRIPE, size, bands)  # (B, F)
        mean = per_channel(self.spec.mean, self.spec, 0.0).to(sounds.device)
        return torch.where(times.unsqueeze(2) | hidden.unsqueeze(1), mean, sounds)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        return AugmentChoice(
            ("time_shift", "spec_augment"), "sounds: small shifts in time, and stripes of time and bands hidden"
        )


def stripes(places: Tensor, widths: Tensor, widest: Tensor, size: Tensor, steps: int) -> Tensor:
    """(B, steps) bool, True within any of the stripes: places and widths (B, S) in 0..1, widest and size (B, 1)."""
    width = (widths * (widest + 1)).floor()  # (B, S)
    start = (places * (size - width + 1)).floor()
    position = torch.arange(steps, device=places.device).view(1, 1, -1)
    inside = (position >= start.unsqueeze(2)) & (position < (start + width).unsqueeze(2))
    return inside.any(dim=1)
