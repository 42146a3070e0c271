"""What is said, as log-mel frames: speed, timbre, spec_augment. None of them changes which words are said, nor their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from netpick.models.infer import per_channel
from netpick.training.augment.base import AugmentChoice, FormAugmenter, unit
from netpick.training.augment.spectrogram import stripes
from netpick.types import Form, InputSpec

SPEED = 0.12  # faster or slower, at most (Ko et al. 2015)
WARP = 0.09  # of all bands, by which the highest are moved, at most
CURVE = 0.925  # how mel bands lie: the logarithm of (700 + highest frequency) / 700, about
TILT, LOUDNESS = 0.12, 0.06  # of a range of 1: of the highest bands against the lowest, and of all
STRIPES = 2  # of each direction
TIME_STRIPE = 15  # frames; a stripe of time hides a sound, not a word
BAND_STRIPE = 0.15  # of the bands


class SpeechAugmenter(FormAugmenter):
    """Recordings (B, T, F), uint8 until something needs floats in 0..1; padding stays 0."""

    form: ClassVar[Form] = "speech"
    known: ClassVar[tuple[str, ...]] = ("speed", "timbre", "spec_augment")
    mixes: ClassVar[bool] = False  # two transcripts have no mean

    def lengthened(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> tuple[Tensor, Tensor | None]:
        """Each recording faster or slower; frames between two lie on a straight line."""
        if "speed" not in self.names or mask is None:
            return values, mask
        factor = 1 + SPEED * (2 * self._uniforms("speed", rows, 1, epoch) - 1)  # (B, 1)
        lengths = mask.sum(dim=1, keepdim=True)
        longer = (lengths / factor).round().clamp(min=1).long()
        steps = torch.arange(max(1, int(longer.max())), device=values.device)
        place = torch.minimum(((steps + 0.5) * factor - 0.5).clamp(min=0), (lengths - 1).clamp(min=0).float())
        below = place.floor().long()
        above = torch.minimum(below + 1, (lengths - 1).clamp(min=0))
        share = (place - below).unsqueeze(2)
        sounds = unit(values)
        mixed = torch.lerp(_frames(sounds, below), _frames(sounds, above), share)
        valid = steps < longer
        return mixed.masked_fill(~valid.unsqueeze(2), 0), valid

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        sounds, valid = values, mask
        if valid is None:
            valid = torch.ones(sounds.shape[:2], dtype=torch.bool, device=sounds.device)
        if "timbre" in self.names:
            sounds = self._timbre(unit(sounds), rows, epoch)
        if "spec_augment" in self.names:
            sounds = self._spec_augment(unit(sounds), valid.sum(dim=1, keepdim=True), rows, epoch)
        return sounds.masked_fill(~valid.unsqueeze(2), 0)

    def _timbre(self, sounds: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Another speaker: a longer or shorter vocal tract moves what is in the bands (Jaitly & Hinton 2013), and bands are louder or
        softer the higher they are."""
        moved, tilted, louder = (2 * self._uniforms("timbre", rows, 3, epoch) - 1).chunk(3, dim=1)  # (B, 1) each
        bands = sounds.shape[2]
        place = torch.arange(bands, device=sounds.device) / bands
        source = (bands * (place + WARP * moved * (1 - 10 ** (-CURVE * place)))).clamp(0, bands - 1)  # (B, F)
        below = source.floor().long()
        above = (below + 1).clamp(max=bands - 1)
        share = (source - below).unsqueeze(1)
        warped = torch.lerp(_bands(sounds, below), _bands(sounds, above), share)
        brighter = TILT * tilted * (place - 0.5) + LOUDNESS * louder  # (B, F)
        return (warped + brighter.unsqueeze(1)).clamp(0.0, 1.0)

    def _spec_augment(self, sounds: Tensor, lengths: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Stripes of time and of bands hidden behind the data's mean (Park et al. 2019)."""
        numbers = self._uniforms("spec_augment", rows, 4 * STRIPES, epoch).view(len(rows), 4, STRIPES)
        length, bands = sounds.shape[1:]
        widest = (lengths / 4).clamp(max=TIME_STRIPE)
        times = stripes(numbers[:, 0], numbers[:, 1], widest, lengths, length)  # (B, T)
        size = torch.full_like(lengths, bands)
        hidden = stripes(numbers[:, 2], numbers[:, 3], size * BAND_STRIPE, size, bands)  # (B, F)
        mean = per_channel(self.spec.mean, self.spec, 0.0).to(sounds.device)
        return torch.where(times.unsqueeze(2) | hidden.unsqueeze(1), mean, sounds)

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        return AugmentChoice(
            ("speed", "timbre", "spec_augment"),
            "what is said: faster and slower, other voices, and stripes of time and bands hidden",
        )


def _frames(sounds: Tensor, place: Tensor) -> Tensor:
    """(B, T', F) frames (B, T') of sounds (B, T, F)."""
    return sounds.gather(1, place.unsqueeze(2).expand(-1, -1, sounds.shape[2]))


def _bands(sounds: Tensor, place: Tensor) -> Tensor:
    """(B, T, F) bands (B, F) of sounds (B, T, F)."""
    return sounds.gather(2, place.unsqueeze(1).expand(-1, sounds.shape[1], -1))
