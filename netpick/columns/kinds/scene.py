"""Pictures at their own size, for answers that lie in them; they stay uint8 until they are on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Extent, Kind, Scale
from netpick.errors import DataError
from netpick.types import STRICT, Array, ArrayColumn, Column, FileColumn, Form, InputSpec, Rows

SAMPLED = 500  # pictures that mean and deviation are of
MOST_SIDE = 1 << 16


@dataclass(config=STRICT, kw_only=True)
class SceneState:
    """The shape (C, H, W) of the largest picture, the longest side that all are brought to (0: none), and each channel's mean and
    deviation in 0..1."""

    shape: tuple[Extent, Extent, Extent]
    longest: int = Field(ge=0, le=MOST_SIDE)
    mean: tuple[float, ...]
    std: tuple[Scale, ...]

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == self.shape[0] or self.shape[0] not in (1, 3):
            raise ValueError("a mean and a deviation of every channel")


class Scene(Kind):
    """A picture at its own size."""

    name: ClassVar[str] = "scene"
    form: ClassVar[Form] = "scene"
    cells: ClassVar[type[Any]] = ArrayColumn
    State = SceneState

    def claim(self, column: Column) -> Claim | None:
        if isinstance(column, FileColumn) and column.kind == "scene":
            return Claim(strength=1.0, reason="image files", num_distinct=len(column), examples=tuple(column.paths[:3]))
        if isinstance(column, ArrayColumn) and column.kind == "scene":
            channels, height, width = column.values.shape[1:]
            colour = "grey" if channels == 1 else "colour"
            return Claim(
                strength=1.0, reason=f"{colour} images of up to {width} x {height} pixels", num_distinct=len(column)
            )
        return None

    def fit(self, column: Column, rows: Rows) -> SceneState:
        assert isinstance(column, ArrayColumn)
        sampled = np.sort(rows[:: max(1, len(rows) // SAMPLED)])
        channels = column.values.shape[1]
        count, first, second = 0, np.zeros(channels), np.zeros(channels)
        for row, (height, width) in zip(sampled.tolist(), sizes_of(column)[sampled].tolist(), strict=True):
            pixels = column.values[row, :, :height, :width].reshape(channels, -1).astype(np.float64) / 255.0
            count += pixels.shape[1]
            first += pixels.sum(axis=1)
            second += (pixels**2).sum(axis=1)
        mean = first / max(1, count)
        std = np.sqrt(np.maximum(second / max(1, count) - mean**2, 0.0))
        return SceneState(
            shape=tuple(map(int, column.values.shape[1:])),  # type: ignore[arg-type]
            longest=int(column.decoding.get("longest", 0)),
            mean=tuple(map(float, mean)),
            std=tuple(float(s) if s > 1e-3 else 1.0 for s in std),
        )

    def encode(self, column: Column, state: Any) -> Array:
        assert isinstance(column, ArrayColumn)
        if column.values.shape[1] != state.shape[0]:
            raise DataError(
                f"Column '{column.name}' holds images of {column.values.shape[1]} channels, but the model was trained on "
                f"{state.shape[0]}. Pass the image files themselves."
            )
        return column.values

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        values = np.zeros((1, *state.shape), np.uint8)
        return ArrayColumn(name=name, values=values, kind="scene", sizes=np.array([state.shape[1:]], np.int32))

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return ("grey",) if state.shape[0] == 1 else ("red", "green", "blue")

    def spec(self, name: str, state: Any) -> InputSpec:
        return InputSpec(
            form="scene", shape=state.shape, mean=state.mean, std=state.std, names=self.value_names(name, state)
        )

    def decoding(self, state: Any) -> Mapping[str, Any]:
        return {"channels": state.shape[0], "longest": state.longest}


def sizes_of(column: ArrayColumn) -> npt.NDArray[np.int32]:
    """(N, 2) heights and widths of pictures in their array."""
    if column.sizes is None:
        return np.tile(np.array(column.values.shape[-2:], np.int32), (len(column), 1))
    return column.sizes
