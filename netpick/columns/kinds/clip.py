"""Clips: the frames that decoders/clip.py chose, all of one size; they stay uint8 until they are on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Extent, Kind, Scale
from netpick.columns.kinds.image import pixel_range
from netpick.errors import DataError
from netpick.types import STRICT, Array, ArrayColumn, Column, FileColumn, Form, InputSpec, Rows

SAMPLED_CLIPS = 500
NAMES_OF_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}


@dataclass(config=STRICT, kw_only=True)
class ClipState:
    """The shape (T, C, H, W), and the mean and deviation of each channel in 0..1."""

    shape: tuple[Extent, Extent, Extent, Extent]
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    pixels: tuple[float, float] | None = None  # values of arrays that the bytes 0 and 255 stand for

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == self.shape[1]:
            raise ValueError("a mean and a deviation of every channel")


class Clip(Kind):
    """A moving picture, as frames evenly spaced over it."""

    name: ClassVar[str] = "clip"
    form: ClassVar[Form] = "clip"
    cells: ClassVar[type[Any]] = ArrayColumn
    State = ClipState

    def claim(self, column: Column) -> Claim | None:
        if isinstance(column, FileColumn) and column.kind == "clip":
            return Claim(strength=1.0, reason="video clips", num_distinct=len(column), examples=tuple(column.paths[:3]))
        if isinstance(column, ArrayColumn) and column.kind == "clip":
            frames, channels, height, width = column.values.shape[1:]
            colour = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
            reason = f"{colour} clips of {frames} frames of {width} x {height} pixels"
            return Claim(strength=1.0, reason=reason, num_distinct=len(column))
        return None

    def fit(self, column: Column, rows: Rows) -> ClipState:
        assert isinstance(column, ArrayColumn)
        sampled = np.sort(rows[:: max(1, len(rows) // SAMPLED_CLIPS)])
        pixels = column.values[sampled].astype(np.float32) / 255.0
        frames, channels, height, width = column.values.shape[1:]
        std = pixels.std(axis=(0, 1, 3, 4))
        return ClipState(
            shape=(int(frames), int(channels), int(height), int(width)),
            mean=tuple(float(m) for m in pixels.mean(axis=(0, 1, 3, 4))),
            std=tuple(float(s) if s > 1e-3 else 1.0 for s in std),
            pixels=pixel_range(column),
        )

    def encode(self, column: Column, state: Any) -> Array:
        assert isinstance(column, ArrayColumn)
        if column.values.shape[1:] != tuple(state.shape):
            raise DataError(
                f"Column '{column.name}' holds clips of shape {column.values.shape[1:]}, but the model was trained on "
                f"{tuple(state.shape)} (frames, channels, height, width). Bring them to that shape first."
            )
        return column.values

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        return ArrayColumn(name=name, values=np.zeros((1, *state.shape), np.uint8), kind="clip")

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        channels = state.shape[1]
        return NAMES_OF_CHANNELS.get(channels, tuple(f"{name} {i + 1}" for i in range(channels)))

    def spec(self, name: str, state: Any) -> InputSpec:
        return InputSpec(
            form="clip", shape=state.shape, mean=state.mean, std=state.std, names=self.value_names(name, state)
        )

    def decoding(self, state: Any) -> Mapping[str, Any]:
        frames, channels, height, width = state.shape
        return {"frames": frames, "channels": channels, "height": height, "width": width}
