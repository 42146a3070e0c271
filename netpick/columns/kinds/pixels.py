"""What pictures and clips share: pixels as bytes, of one shape in all rows, and each channel's mean and deviation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from netpick.columns.kinds.base import Claim, Kind
from netpick.errors import DataError
from netpick.types import Array, ArrayColumn, Column, FileColumn, InputSpec, Media, Rows


class Pixels(Kind):
    """Arrays (N, ..., C, H, W) of bytes. A State has their shape, mean and std by channel, and the range of pixel values."""

    name: ClassVar[Media]
    cells: ClassVar[type[Any]] = ArrayColumn
    noun: ClassVar[str]  # "images"
    files: ClassVar[str]  # what unread ones are called: "image files"
    axes: ClassVar[str]  # of a row, in words
    sampled: ClassVar[int]  # rows that the mean and deviation are of

    def words(self, shape: tuple[int, ...]) -> str:
        """'colour images of 32 x 32 pixels'."""
        channels, height, width = shape[-3:]
        colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
        frames = f"{shape[0]} frames of " if len(shape) > 3 else ""
        return f"{colour} {self.noun} of {frames}{width} x {height} pixels"

    def claim(self, column: Column) -> Claim | None:
        if isinstance(column, FileColumn) and column.kind == self.name:
            return Claim(strength=1.0, reason=self.files, num_distinct=len(column), examples=tuple(column.paths[:3]))
        if isinstance(column, ArrayColumn) and column.kind == self.name:
            return Claim(strength=1.0, reason=self.words(column.values.shape[1:]), num_distinct=len(column))
        return None

    def fit(self, column: Column, rows: Rows) -> Any:
        assert isinstance(column, ArrayColumn)
        sampled = np.sort(rows[:: max(1, len(rows) // self.sampled)])
        pixels = column.values[sampled].astype(np.float32) / 255.0
        others = tuple(axis for axis in range(pixels.ndim) if axis != pixels.ndim - 3)  # all but that of channels
        std = pixels.std(axis=others)
        return self.State(
            shape=tuple(map(int, column.values.shape[1:])),
            mean=tuple(float(m) for m in pixels.mean(axis=others)),
            std=tuple(float(s) if s > 1e-3 else 1.0 for s in std),
            pixels=_pixel_range(column),
        )

    def encode(self, column: Column, state: Any) -> Array:
        assert isinstance(column, ArrayColumn)
        if column.values.shape[1:] != tuple(state.shape):
            raise DataError(
                f"Column '{column.name}' holds {self.noun} of shape {column.values.shape[1:]}, but the model was trained on "
                f"{tuple(state.shape)} ({self.axes}). Resize them first."
            )
        return column.values

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        return ArrayColumn(name=name, values=np.zeros((1, *state.shape), np.uint8), kind=self.name)

    def spec(self, name: str, state: Any) -> InputSpec:
        names = self.value_names(name, state)
        return InputSpec(form=self.form, shape=state.shape, mean=state.mean, std=state.std, names=names)


def _pixel_range(column: ArrayColumn) -> tuple[float, float] | None:
    """The values that bytes stand for, of pictures that were handed over as arrays."""
    low, high = column.decoding.get("low"), column.decoding.get("high")
    return None if low is None or high is None else (float(low), float(high))
