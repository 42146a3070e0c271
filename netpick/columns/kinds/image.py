"""Images, decoded by decode.py to equal sizes; they stay uint8 until they are on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Extent, Kind, Scale
from netpick.errors import DataError
from netpick.types import STRICT, Array, ArrayColumn, Column, FileColumn, Form, InputSpec, Rows

SAMPLED_IMAGES = 2_000


@dataclass(config=STRICT, kw_only=True)
class ImageState:
    """The shape (C, H, W), and the mean and deviation of each channel in 0..1."""

    shape: tuple[Extent, Extent, Extent]
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    pixels: tuple[float, float] | None = None  # values of arrays that the bytes 0 and 255 stand for

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise ValueError("a mean and a deviation of every channel")


def pixel_range(column: ArrayColumn) -> tuple[float, float] | None:
    """The values that bytes stand for, of pictures that were handed over as arrays."""
    low, high = column.decoding.get("low"), column.decoding.get("high")
    return None if low is None or high is None else (float(low), float(high))


class Image(Kind):
    """A picture."""

    name: ClassVar[str] = "image"
    form: ClassVar[Form] = "grid"
    cells: ClassVar[type[Any]] = ArrayColumn
    State = ImageState

    def claim(self, column: Column) -> Claim | None:
        if isinstance(column, FileColumn) and column.kind == "image":
            return Claim(strength=1.0, reason="image files", num_distinct=len(column), examples=tuple(column.paths[:3]))
        if isinstance(column, ArrayColumn) and column.kind == "image":
            channels, height, width = column.values.shape[1:]
            colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
            return Claim(strength=1.0, reason=f"{colour} images of {width} x {height} pixels", num_distinct=len(column))
        return None

    def fit(self, column: Column, rows: Rows) -> ImageState:
        assert isinstance(column, ArrayColumn)
        sampled = rows[:: max(1, len(rows) // SAMPLED_IMAGES)]
        pixels = column.values[np.sort(sampled)].astype(np.float32) / 255.0
        channels, height, width = column.values.shape[1:]
        std = pixels.std(axis=(0, 2, 3))
        return ImageState(
            shape=(int(channels), int(height), int(width)),
            mean=tuple(float(m) for m in pixels.mean(axis=(0, 2, 3))),
            std=tuple(float(s) if s > 1e-3 else 1.0 for s in std),
            pixels=pixel_range(column),
        )

    def encode(self, column: Column, state: Any) -> Array:
        assert isinstance(column, ArrayColumn)
        if column.values.shape[1:] != tuple(state.shape):
            raise DataError(
                f"Column '{column.name}' holds images of shape {column.values.shape[1:]}, but the model was trained on "
                f"{tuple(state.shape)} (channels, height, width). Resize them first."
            )
        return column.values

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        return ArrayColumn(name=name, values=np.zeros((1, *state.shape), np.uint8), kind="image")

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        channels = state.shape[0]
        names = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
        return names.get(channels, tuple(f"channel {number}" for number in range(1, channels + 1)))

    def spec(self, name: str, state: Any) -> InputSpec:
        names = self.value_names(name, state)
        return InputSpec(form="grid", shape=state.shape, mean=state.mean, std=state.std, names=names)

    def decoding(self, state: Any) -> Mapping[str, Any]:
        channels, height, width = state.shape
        return {"size": (height, width), "channels": channels}
