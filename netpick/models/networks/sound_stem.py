"""What comes first in networks for sounds: log-mel frames as normalised floats, padding set to zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from netpick.models.infer import per_channel
from netpick.models.networks.base import Batch
from netpick.types import Form, InputSpec
from netpick.types.recipe import Recipe

FORM: Form = "spectrogram"


class SpectrogramStem(nn.Module):
    """Frames (B, T, F), uint8 or float in 0..1, normalised by the data's mean and deviation per band; padding is zero."""

    factor: Tensor
    offset: Tensor

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        mean = per_channel(spec.mean, spec, 0.0)
        std = per_channel(spec.std, spec, 1.0).clamp(min=1e-3)
        self.register_buffer("factor", 1 / std, persistent=False)
        self.register_buffer("offset", -mean / std, persistent=False)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        frames, mask = batch[FORM], batch[f"{FORM}.mask"]
        factor = self.factor if frames.is_floating_point() else self.factor / 255
        normalised = torch.addcmul(self.offset, frames.float(), factor)
        return normalised.masked_fill(~mask.unsqueeze(2), 0.0), mask


class FramesOpening(nn.Module):
    """Normalised frames of all sounds, filled up with zeros to the longest: (B, T, F), and their mask."""

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.stem = SpectrogramStem(spec)
        self.length = spec.shape[0]

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        frames, mask = self.stem(batch)
        missing = self.length - frames.shape[1]
        return functional.pad(frames, (0, 0, 0, missing)), functional.pad(mask, (0, missing))


def sound_recipe(num_rows: int, learning_rate: float, augment: tuple[str, ...] = ()) -> Recipe:
    """How all networks for sounds are trained. Small batches for few sounds: a step is cheap, and a budget then holds enough.

    augment: in place of what the data allow.
    """
    return Recipe(
        learning_rate=learning_rate,
        weight_decay=0.05,
        schedule="onecycle",
        warmup=0.2,
        batch_size=16 if num_rows < 500 else 32 if num_rows < 10_000 else 64,
        label_smoothing=0.1,
        augment=augment,
    )
