"""Augmentation of training batches: every random number is a hash of (seed, epoch, row), never a generator's state.

So a run resumes exactly at any step, and neither batch size nor threads change what a row looks like in an epoch.
Images: flip, shift, rotate, crop, cutout, colour. Series: jitter, scale, time_shift. Both: mixup, whose targets the
caller mixes. It deliberately leaves tables alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from netpick.recipe import AugmentName
from netpick.types import InputSpec

GRID_NAMES: tuple[AugmentName, ...] = ("flip", "shift", "rotate", "crop", "cutout", "colour", "mixup")
SERIES_NAMES: tuple[AugmentName, ...] = ("jitter", "scale", "time_shift", "mixup")

SHIFT = 1 / 16  # of the image's side, each way; at least one pixel
ROTATION = 10.0  # degrees, each way
CROP = 0.7  # the smallest share of the side that a crop keeps
CUTOUT = 0.3  # of the image's side
BRIGHTNESS, CONTRAST, SATURATION = 0.15, 0.25, 0.25
JITTER = 0.05  # standard deviation, for series of about unit variance
SCALE = 0.1  # standard deviation of the factor
FEW_SERIES = 2_000  # below it, noise and scaling help (ItalyPowerDemand, JapaneseVowels)
TIME_SHIFT = 0.05  # of the series' length, each way; at least one step

_GOLDEN = 0x9E3779B97F4A7C15
_STREAMS: dict[AugmentName, int] = {name: i for i, name in enumerate((*GRID_NAMES, *SERIES_NAMES[:-1]), start=1)}


# --- random numbers --------------------------------------------------------------------------------------------------


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


# --- the batch -------------------------------------------------------------------------------------------------------


class Augmented(NamedTuple):
    """A batch after augmentation.

    After mixup, row i is `weight[i]` (B,) of itself and the rest of row `partner[i]` (B,) of the batch: its target has
    to be mixed alike. Both are None without mixup.
    """

    batch: dict[str, Tensor]
    partner: Tensor | None = None
    weight: Tensor | None = None


class Augmenter:
    """Applies the named augmentations that suit the form of `spec`; names for other forms are ignored."""

    def __init__(self, names: Sequence[AugmentName], spec: InputSpec, seed: int) -> None:
        known = {"grid": GRID_NAMES, "series": SERIES_NAMES}.get(spec.form, ())
        self.names = frozenset(name for name in names if name in known)
        self.spec = spec
        self.seed = seed

    def __call__(self, batch: Mapping[str, Tensor], rows: Tensor, epoch: int) -> Augmented:
        """Batch of the rows (B,) int64, row numbers of the whole data set, in this epoch.

        Images stay uint8 where that loses nothing (flip, shift, cutout), else they become float in 0..1.
        """
        result = dict(batch)
        if not self.names:
            return Augmented(result)
        form = self.spec.form
        rows = rows.to(result[form].device)
        if form == "grid":
            result["grid"] = self._grid(result["grid"], rows, epoch)
        else:
            result["series"] = self._series(result["series"], result.get("series.mask"), rows, epoch)
        if "mixup" not in self.names:
            return Augmented(result)
        return self._mixup(result, rows, epoch)

    def _uniforms(self, name: AugmentName, rows: Tensor, count: int, epoch: int) -> Tensor:
        return uniforms(rows, count, (self.seed, epoch, _STREAMS[name]))

    def _normals(self, name: AugmentName, rows: Tensor, count: int, epoch: int) -> Tensor:
        return normals(rows, count, (self.seed, epoch, _STREAMS[name]))

    # images

    def _grid(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        if self.names & {"rotate", "crop"}:
            images = self._warp(images, rows, epoch)
        elif self.names & {"flip", "shift"}:
            images = self._move(images, rows, epoch)
        if "colour" in self.names:
            images = self._colour(_unit(images), rows, epoch)
        if "cutout" in self.names:
            images = self._cutout(images, rows, epoch)
        return images

    def _signs(self, rows: Tensor, epoch: int) -> Tensor:
        """(B,) of -1 for images to mirror, 1 for the others."""
        if "flip" not in self.names:
            return torch.ones(len(rows), device=rows.device)
        return torch.where(self._uniforms("flip", rows, 1, epoch)[:, 0] < 0.5, -1.0, 1.0)

    def _shifts(self, rows: Tensor, height: int, width: int, epoch: int) -> Tensor:
        """(B, 2) whole pixels, down and right."""
        if "shift" not in self.names:
            return torch.zeros(len(rows), 2, device=rows.device)
        most = torch.tensor([max(1, round(height * SHIFT)), max(1, round(width * SHIFT))], device=rows.device)
        return (self._uniforms("shift", rows, 2, epoch) * (2 * most + 1)).floor() - most

    def _move(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Flip and shift in one gather; what moves in from outside repeats the edge."""
        height, width = images.shape[2:]
        shifts = self._shifts(rows, height, width, epoch).long()
        down = (torch.arange(height, device=rows.device) - shifts[:, :1]).clamp_(0, height - 1)  # (B, H)
        right = (torch.arange(width, device=rows.device) - shifts[:, 1:]).clamp_(0, width - 1)  # (B, W)
        if "flip" in self.names:
            mirrored = self._signs(rows, epoch).unsqueeze(1) < 0
            right = torch.where(mirrored, width - 1 - right, right)
        source = (down.unsqueeze(2) * width + right.unsqueeze(1)).flatten(1).unsqueeze(1)  # (B, 1, H * W)
        flat = images.flatten(2)
        return flat.gather(2, source.expand(-1, images.shape[1], -1)).view(images.shape)

    def _warp(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Rotation, crop, shift and flip in one bilinear resampling."""
        height, width = images.shape[2:]
        angle = torch.zeros(len(rows), device=rows.device)
        size = torch.ones(len(rows), device=rows.device)
        centre = self._shifts(rows, height, width, epoch) * torch.tensor([-2 / height, -2 / width], device=rows.device)
        if "rotate" in self.names:
            angle = (self._uniforms("rotate", rows, 1, epoch)[:, 0] * 2 - 1) * math.radians(ROTATION)
        if "crop" in self.names:
            numbers = self._uniforms("crop", rows, 3, epoch)
            size = CROP + (1 - CROP) * numbers[:, 0]
            centre = centre + (1 - size).unsqueeze(1) * (numbers[:, 1:] * 2 - 1)
        sign = self._signs(rows, epoch)
        ratio = height / width  # the grid is in -1..1 along both sides; a rotation must not shear oblong images
        across = torch.stack([size * angle.cos() * sign, -size * angle.sin() * ratio, centre[:, 1]], dim=1)
        along = torch.stack([size * angle.sin() / ratio * sign, size * angle.cos(), centre[:, 0]], dim=1)
        grid = functional.affine_grid(torch.stack([across, along], dim=1), list(images.shape), align_corners=False)
        return functional.grid_sample(_unit(images), grid, padding_mode="border", align_corners=False)

    def _colour(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """Brightness, contrast and, for three channels, saturation."""
        numbers = (self._uniforms("colour", rows, 3, epoch) * 2 - 1).view(-1, 3, 1, 1)
        level = images.mean(dim=(1, 2, 3), keepdim=True)
        contrast = 1 + CONTRAST * numbers[:, 1:2]
        images = images * contrast + (level * (1 - contrast) + BRIGHTNESS * numbers[:, :1])
        if images.shape[1] == 3:
            images = torch.lerp(images.mean(dim=1, keepdim=True), images, 1 + SATURATION * numbers[:, 2:])
        return images.clamp(0.0, 1.0)

    def _cutout(self, images: Tensor, rows: Tensor, epoch: int) -> Tensor:
        """A square of the data's mean colour (DeVries & Taylor 2017); its centre may lie anywhere in the image."""
        height, width = images.shape[2:]
        numbers = self._uniforms("cutout", rows, 2, epoch)
        half = CUTOUT * min(height, width) / 2
        down = ((torch.arange(height, device=rows.device) + 0.5) - numbers[:, :1] * height).abs() <= half  # (B, H)
        right = ((torch.arange(width, device=rows.device) + 0.5) - numbers[:, 1:] * width).abs() <= half  # (B, W)
        hidden = (down.unsqueeze(2) & right.unsqueeze(1)).unsqueeze(1)  # (B, 1, H, W)
        mean = torch.tensor(self.spec.mean or (0.0,) * images.shape[1], device=images.device).view(1, -1, 1, 1)
        fill = mean if images.is_floating_point() else (mean * 255).round().to(images.dtype)
        return torch.where(hidden, fill, images)

    # series

    def _series(self, series: Tensor, mask: Tensor | None, rows: Tensor, epoch: int) -> Tensor:
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

    # both

    def _mixup(self, batch: dict[str, Tensor], rows: Tensor, epoch: int) -> Augmented:
        """Each row with a share of the next row of the batch (Zhang et al. 2018), for half of the rows next to none."""
        form = self.spec.form
        values = _unit(batch[form]) if form == "grid" else batch[form]
        partner = torch.arange(len(rows), device=rows.device).roll(-1)
        weight = 1 - 0.5 * self._uniforms("mixup", rows, 1, epoch)[:, 0] ** 2
        shares = weight.view(-1, *[1] * (values.ndim - 1))
        batch[form] = torch.lerp(values[partner], values, shares)
        if f"{form}.mask" in batch:
            batch[f"{form}.mask"] = batch[f"{form}.mask"] | batch[f"{form}.mask"][partner]
        return Augmented(batch, partner, weight)


def _unit(images: Tensor) -> Tensor:
    """Images as float in 0..1."""
    return images if images.is_floating_point() else images.float() / 255


# --- what is safe ----------------------------------------------------------------------------------------------------


class AugmentChoice(NamedTuple):
    """Augmentations that do not change what a label means, and why these."""

    names: tuple[AugmentName, ...]
    reason: str


def default_augment(spec: InputSpec, num_rows: int, classes: Sequence[str] = ()) -> AugmentChoice:
    """The augmentations that suit the data: those that could change a label's meaning are left out."""
    if spec.form == "grid":
        return _grid_default(spec, classes)
    if spec.form == "series" and num_rows < FEW_SERIES:
        return AugmentChoice(
            ("jitter", "scale"), "few series: some noise and scaling; no shift in time, which can matter"
        )
    return AugmentChoice((), "tables and many series are trained as they are")


def _grid_default(spec: InputSpec, classes: Sequence[str]) -> AugmentChoice:
    channels, height, width = spec.shape
    if min(height, width) < 12:
        return AugmentChoice((), f"{height}x{width} pixels are too few to move")
    if channels != 3:
        return AugmentChoice(("shift",), "small shifts; no mirroring, which can change what a grey image means")
    if any(_has_a_side(name) for name in classes):
        return AugmentChoice(("shift",), "small shifts; no mirroring, because the classes have a side")
    # Crops and colour make the task harder than a short budget can use: cats_dogs in 16 s, 78 % with these two, 73 % with all.
    return AugmentChoice(("flip", "shift"), "colour pictures: mirrored, with small shifts")


def _has_a_side(name: str) -> bool:
    """A class that mirroring could turn into another: a single letter, a number, left or right."""
    words = name.lower().replace("_", " ").replace("-", " ").split()
    return any(len(word) == 1 or word.isdigit() or word in ("left", "right", "east", "west") for word in words)
