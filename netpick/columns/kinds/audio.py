"""Sounds, decoded to log-mel frames (see decoders/sound.py); they stay uint8 until they are on the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Extent, Kind, Scale
from netpick.errors import DataError
from netpick.types import STRICT, Array, ArrayColumn, Column, FileColumn, Form, InputSpec, Rows

SAMPLED_SOUNDS = 2_000
DECODING = {
    "sample_rate": 1 << 20,
    "window": 1 << 20,
    "hop": 1 << 20,
    "frames": 1 << 24,
    "mels": 1 << 12,
    "range_db": 1000,
}
SOMETIMES = {"absolute", "whole"}  # 1 where it is kept how loud a sound is, and where nothing of it is cut


@dataclass(config=STRICT, kw_only=True)
class AudioState:
    """Frames T at most, the mean and deviation of each band F in 0..1 over valid frames, and how files became frames."""

    frames: Extent
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    decoding: dict[str, int | float]

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) != len(self.std):
            raise ValueError("a mean and a deviation of every band")
        if self.decoding and (set(self.decoding) - SOMETIMES != set(DECODING) or not self._is_possible()):
            raise ValueError("a way to decode sounds that is possible")

    def _is_possible(self) -> bool:
        fits = self.decoding["frames"] == self.frames and self.decoding["mels"] == len(self.mean)
        whole = all(isinstance(self.decoding[name], int) for name in DECODING if name != "range_db")
        marked = all(self.decoding.get(name, 1) == 1 for name in SOMETIMES)
        return fits and whole and marked and all(0 < self.decoding[name] <= most for name, most in DECODING.items())


class Audio(Kind):
    """A sound."""

    name: ClassVar[str] = "audio"
    form: ClassVar[Form] = "spectrogram"
    cells: ClassVar[type[Any]] = ArrayColumn
    State = AudioState

    def claim(self, column: Column) -> Claim | None:
        if isinstance(column, FileColumn) and column.kind == "audio":
            return Claim(strength=1.0, reason="sound files", num_distinct=len(column), examples=tuple(column.paths[:3]))
        if isinstance(column, ArrayColumn) and column.kind == "audio":
            frames, bands = column.values.shape[1:]
            reason = f"sounds as up to {frames} log-mel frames of {bands} bands"
            return Claim(strength=1.0, reason=reason, num_distinct=len(column))
        return None

    def fit(self, column: Column, rows: Rows) -> AudioState:
        assert isinstance(column, ArrayColumn)
        sampled = np.sort(rows[:: max(1, len(rows) // SAMPLED_SOUNDS)])
        frames, bands = column.values.shape[1:]
        valid = np.arange(frames)[None, :] < _lengths(column)[sampled, None]
        values = column.values[sampled][valid].astype(np.float32) / 255.0  # (valid frames, F)
        if not len(values):
            values = np.zeros((1, bands), np.float32)
        std = values.std(axis=0, dtype=np.float64)
        return AudioState(
            frames=int(frames),
            mean=tuple(float(m) for m in values.mean(axis=0, dtype=np.float64)),
            std=tuple(float(s) if s > 1e-3 else 1.0 for s in std),
            decoding=dict(column.decoding),
        )

    def encode(self, column: Column, state: Any) -> Array:
        assert isinstance(column, ArrayColumn)
        frames, bands = column.values.shape[1:]
        if bands != len(state.mean):
            raise DataError(
                f"Column '{column.name}' holds sounds of {bands} bands, but the model was trained on {len(state.mean)}. "
                "Pass the sound files themselves."
            )
        if frames >= state.frames:
            return np.ascontiguousarray(column.values[:, : state.frames])
        return np.pad(column.values, ((0, 0), (0, state.frames - frames), (0, 0)))

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        return ArrayColumn(
            name=name,
            values=np.zeros((1, state.frames, len(state.mean)), np.uint8),
            kind="audio",
            lengths=np.array([state.frames], np.int32),
        )

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return tuple(f"{name} band {band + 1}" for band in range(len(state.mean)))

    def spec(self, name: str, state: Any) -> InputSpec:
        shape = (state.frames, len(state.mean))
        names = self.value_names(name, state)
        return InputSpec(form="spectrogram", shape=shape, padded=True, mean=state.mean, std=state.std, names=names)

    def lengths(self, column: Column, state: Any, encoded: Array) -> Array | None:
        assert isinstance(column, ArrayColumn)
        return np.asarray(np.minimum(_lengths(column), state.frames), dtype=np.int32)

    def decoding(self, state: Any) -> Mapping[str, Any]:
        return dict(state.decoding)


def _lengths(column: ArrayColumn) -> Array:
    if column.lengths is None:
        return np.full(len(column), column.values.shape[1], np.int32)
    return column.lengths
