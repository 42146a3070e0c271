"""What the sides of an array are: height and width of pictures, steps and channels of series; from the values where they tell.

Neighbouring pixels are alike along both sides, neighbouring steps along time alone, and channels are not ordered at all.
Where values are as rough as noise, ranges and lengths decide, and it is said how to override that.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from netpick.data.sources.pixels import Pixels, were_bytes
from netpick.types import Array

SMALLEST_IMAGE = 4  # pixels a side
CHANNELS = (1, 3, 4)
MOST_CHANNELS = 64
LOOKED_AT = 100  # rows
SMOOTH, ROUGH = 0.75, 0.9  # differences of neighbours, as a share of those of any two


def is_picture(x: Array, pixels: Pixels | None) -> bool:
    """Whether (N, A, B) are grey pictures and no series."""
    _, height, width = x.shape
    if pixels is None or min(height, width) < SMALLEST_IMAGE:
        return False
    if x.dtype in (np.uint8, np.bool_):
        return True
    if height == width and float(x.min()) >= 0 and bool((x == np.round(x)).all()):
        return True  # whole numbers in a square
    along, across = roughness(x, 1), roughness(x, 2)
    if max(along, across) < SMOOTH:
        return True
    if min(along, across) < SMOOTH and max(along, across) > ROUGH:
        return False
    return height == width or (x.dtype.kind == "f" and were_bytes(x, pixels))


def time_side(x: Array) -> Literal[1, 2]:
    """Which side of (N, A, B) is time: the one along which neighbours are alike, else the longer one."""
    _, one, two = x.shape
    if one == two:
        return 1
    along, across = roughness(x, 1), roughness(x, 2)
    if min(one, two) > 1 and along < SMOOTH and across > ROUGH:
        return 1
    if min(one, two) > 1 and across < SMOOTH and along > ROUGH:
        return 2
    return 1 if one >= two else 2


def roughness(x: Array, side: int) -> float:
    """How much neighbours along a side differ, as a share of how much any two values along it do; 1 for noise."""
    if x.shape[side] < 3:
        return 1.0
    with np.errstate(over="ignore"):  # values beyond float32 are refused elsewhere, with their places
        some = x[:: max(1, len(x) // LOOKED_AT)].astype(np.float32)
    some = np.where(np.isfinite(some), some, np.float32(np.nan))
    order = np.random.default_rng(0).permutation(x.shape[side])
    near = np.abs(np.diff(some, axis=side))
    far = np.abs(np.diff(np.take(some, order, axis=side), axis=side))
    usual = float(np.nanmean(far)) if np.isfinite(far).any() else 0.0
    return float(np.nanmean(near)) / usual if usual > 0 else 1.0


def channel_side(shape: tuple[int, ...]) -> int | None:
    """Which of the last three sides of (N, A, B, C) holds the channels; None where nothing tells."""
    _, one, two, three = shape
    if three in CHANNELS:
        return 3
    if one in CHANNELS:
        return 1
    if one == two != three and three <= MOST_CHANNELS:
        return 3
    if two == three != one and one <= MOST_CHANNELS:
        return 1
    if three <= MOST_CHANNELS and 2 * three <= min(one, two):
        return 3
    return 1 if one <= MOST_CHANNELS and 2 * one <= min(two, three) else None
