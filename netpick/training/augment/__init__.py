"""Augmentation of training batches: a pure function of (seed, epoch, row). One form a file; the table is below.

Every form also knows mixup, whose targets the caller mixes. Tables are deliberately left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from netpick.training.augment.base import STREAMS, AugmentChoice, FormAugmenter, normals, uniforms, unit
from netpick.training.augment.chords import ChordAugmenter
from netpick.training.augment.clip import ClipAugmenter
from netpick.training.augment.grid import GridAugmenter
from netpick.training.augment.objects import ObjectAugmenter
from netpick.training.augment.scene import SceneAugmenter
from netpick.training.augment.series import SeriesAugmenter
from netpick.training.augment.spectrogram import SpectrogramAugmenter
from netpick.training.augment.speech import SpeechAugmenter
from netpick.training.augment.tokens import TokenAugmenter
from netpick.types import InputSpec

AUGMENTERS: dict[str, type[FormAugmenter]] = {
    augmenter.form: augmenter
    for augmenter in (
        ChordAugmenter,
        ClipAugmenter,
        GridAugmenter,
        ObjectAugmenter,
        SceneAugmenter,
        SeriesAugmenter,
        SpectrogramAugmenter,
        SpeechAugmenter,
        TokenAugmenter,
    )
}

__all__ = ["AUGMENTERS", "AugmentChoice", "Augmented", "Augmenter", "default_augment", "normals", "uniforms"]


class Augmented(NamedTuple):
    """A batch after augmentation, and the target (B, ...) where one was given: what lies in a picture moves with it.

    After mixup, row i is `weight[i]` (B,) of itself and the rest of row `partner[i]` (B,) of the batch: its target has
    to be mixed alike. Both are None without mixup.
    """

    batch: dict[str, Tensor]
    partner: Tensor | None = None
    weight: Tensor | None = None
    target: Tensor | None = None


class Augmenter:
    """Applies the named augmentations that suit the input called `name`; names for other forms are ignored."""

    def __init__(self, names: Sequence[str], spec: InputSpec, seed: int, name: str | None = None) -> None:
        self.name = name or spec.form
        augmenter = AUGMENTERS.get(spec.form)
        self.form = None if augmenter is None else augmenter(names, spec, seed)
        self.names = frozenset() if self.form is None else self.form.names
        self.seed = seed

    def __call__(
        self, batch: Mapping[str, Tensor], rows: Tensor, epoch: int, target: Tensor | None = None
    ) -> Augmented:
        """Batch of the rows (B,) int64, row numbers of the whole data set, in this epoch, with their target."""
        result = dict(batch)
        if self.form is None or not self.names:
            return Augmented(result, target=target)
        rows = rows.to(result[self.name].device)
        if target is not None:
            result[self.name], target = self.form.moved(
                result[self.name], target, result.pop(f"{self.name}.sizes", None), rows, epoch
            )
        values, mask = self.form.lengthened(result[self.name], result.get(f"{self.name}.mask"), rows, epoch)
        result[self.name] = self.form(values, mask, rows, epoch)
        if mask is not None:
            result[f"{self.name}.mask"] = mask
        if "mixup" not in self.names or not self.form.mixes:
            return Augmented(result, target=target)
        return self._mixup(result, rows, epoch)._replace(target=target)

    def _mixup(self, batch: dict[str, Tensor], rows: Tensor, epoch: int) -> Augmented:
        """Each row with a share of the next row of the batch (Zhang et al. 2018), for half of the rows next to none."""
        values = unit(batch[self.name])
        partner = torch.arange(len(rows), device=rows.device).roll(-1)
        weight = 1 - 0.5 * uniforms(rows, 1, (self.seed, epoch, STREAMS["mixup"]))[:, 0] ** 2
        shares = weight.view(-1, *[1] * (values.ndim - 1))
        batch[self.name] = torch.lerp(values[partner], values, shares)
        mask = f"{self.name}.mask"
        if mask in batch:
            batch[mask] = batch[mask] | batch[mask][partner]
        return Augmented(batch, partner, weight)


def default_augment(spec: InputSpec, num_rows: int, classes: Sequence[str] = ()) -> AugmentChoice:
    """The augmentations that suit the data: those that could change a label's meaning are left out."""
    if spec.form in AUGMENTERS:
        return AUGMENTERS[spec.form].default(spec, num_rows, classes)
    return AugmentChoice((), "trained as they are")
