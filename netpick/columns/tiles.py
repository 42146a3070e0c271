"""Large pictures in tiles: the plan of where they lie, without torch, so that every engine can share it (so far torch's does).

A tile is read with a margin around what is kept of it. The presets of masks look no further than the margin, so what is kept is what
they say of the whole picture. nnU-Net (Isensee et al. 2021) averages overlapping patches with Gaussian weights instead, since its
patches are smaller than what its networks look at; that reads each pixel four times, and gives another answer than the whole picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

MOST_PIXELS = 2048 * 2048  # of a picture that is read whole
SIDE = 2048  # pixels of a tile's side, at most
MARGIN = 192  # pixels that are read around what is kept
STEP = 64  # tiles begin at multiples of it, so that halved maps and windows of patches lie as in the whole picture


class Tile(NamedTuple):
    """What is read of a picture, and what is kept of that: rows and columns of the picture."""

    rows: slice
    columns: slice
    kept_rows: slice
    kept_columns: slice

    @property
    def inside(self) -> tuple[slice, slice]:
        """What is kept, in rows and columns of the tile."""
        top, left = self.rows.start, self.columns.start
        kept = self.kept_rows, self.kept_columns
        return slice(kept[0].start - top, kept[0].stop - top), slice(kept[1].start - left, kept[1].stop - left)


def tiles_of(height: int, width: int) -> Iterator[Tile]:
    """The tiles of a picture; one that is the picture itself where it is not large."""
    small = height * width <= MOST_PIXELS
    for rows, kept_rows in [(slice(0, height), slice(0, height))] if small else list(_parts(height)):
        for columns, kept_columns in [(slice(0, width), slice(0, width))] if small else _parts(width):
            yield Tile(rows, columns, kept_rows, kept_columns)


def _parts(length: int) -> Iterator[tuple[slice, slice]]:
    """Of one side what is read, and what is kept of it."""
    count = 1 if length <= SIDE else math.ceil(length / (SIDE - 2 * MARGIN))
    step = math.ceil(length / count / STEP) * STEP
    for start in range(0, length, step):
        end = min(length, start + step)
        yield slice(max(0, start - MARGIN), min(length, end + MARGIN)), slice(start, end)
