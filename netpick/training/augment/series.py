"""Series: jitter, scale, time_shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from netpick.training.augment.base import AugmentChoice, FormAugmenter
from netpick.types import Form, InputSpec

JITTER = 0.05  # standard deviation, for series of about unit variance
SCALE = 0.1  # standard deviation of the factor
FEW_SERIES = 2_000  # below it, noise and scaling help (ItalyPowerDemand, JapaneseVowels)
TIME_SHIFT = 0.05  # of the series' length, each way; at least one step


class SeriesAugmenter(FormAugmenter):
    """Curves of about unit variance; padding stays zero."""

    form: ClassVar[Form] = "series"
    known: ClassVar[tuple[str, ...]] = ("jitter", "scale", "time_shift", "mixup")

    def __call__(self, values: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        series = values
        length, channels = series.shape[1:]
        if "time_shift" in self.names:
            series = self._time_shift(series, mask, rows, epoch)
        if "scale" in self.names:
            series = series * (1 + SCALE * self._normals("scale", rows, channels, epoch)).unsqueeze(1)
        if "jitter" in self.names:
            noise = self._normals("jitter", rows, length * channels, epoch).view(series.shape)
            series = series + JITTER * noise
        return series if mask is None else series.masked_fill(~mask.unsqueeze(-1), 0.0)

    def _time_shift(self, series: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
        """Moves a series along its valid steps; what moves in from outside repeats the first or last step."""
        steps = series.shape[1]
        lengths = torch.full((len(rows), 1), steps, device=rows.device) if mask is None else mask.sum(1, keepdim=True)
        most = (lengths * TIME_SHIFT).round().clamp(min=1)
        offset = (self._uniforms("time_shift", rows, 1, epoch) * (2 * most + 1)).floor().long() - most.long()
        source = torch.arange(steps, device=rows.device) - offset
        source = torch.minimum(source.clamp(min=0), (lengths - 1).clamp(min=0))
        return series.gather(1, source.unsqueeze(-1).expand_as(series))

    @classmethod
    def default(cls, spec: InputSpec, num_rows: int, classes: Sequence[str]) -> AugmentChoice:
        if num_rows < FEW_SERIES:
            return AugmentChoice(
                ("jitter", "scale"), "few series: some noise and scaling; no shift in time, which can matter"
            )
        return AugmentChoice((), "many series are trained as they are")
