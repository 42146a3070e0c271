"""Series: one or several channels measured step by step, of equal or unequal lengths."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import Claim, Extent, Kind, Scale
from netpick.errors import DataError
from netpick.types import STRICT, Array, ArrayColumn, Column, Form, InputSpec, Note, Rows

APART = 2.0  # powers of ten between the scales of most series, from which on the largest would drown all others

FLATTEST = 1e-8  # deviation of a channel that is scaled by it; flatter ones are left as they are


@dataclass(config=STRICT, kw_only=True)
class SeriesState:
    """The longest length, the channels' means and deviations over valid steps of training rows, and whether lengths differ."""

    length: Extent
    mean: tuple[float, ...]
    std: tuple[Scale, ...]
    padded: bool
    own_scale: bool = (
        False  # whether each series is brought to its own scale: `std` is then what is usual in one series
    )
    decades: float = Field(default=0.0, ge=0, le=80)  # that the scales of training series lie apart

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) != len(self.std):
            raise ValueError("a mean and a deviation of every channel")
        if min(self.std) < FLATTEST:
            raise ValueError(f"deviations of {FLATTEST:g} or more, as are learned")


class Series(Kind):
    """A curve, or several measured together. Missing steps are filled along the curve."""

    name: ClassVar[str] = "series"
    form: ClassVar[Form] = "series"
    cells: ClassVar[type[Any]] = ArrayColumn
    State = SeriesState

    def claim(self, column: Column) -> Claim | None:
        if not isinstance(column, ArrayColumn) or column.kind != "series":
            return None
        steps, channels = column.values.shape[1:]
        lengths = column.lengths
        span = f"{steps} steps" if lengths is None else f"{int(lengths.min())} to {int(lengths.max())} steps"
        missing = int(np.isnan(column.values).any(axis=(1, 2)).sum())
        reason = f"series of {span} in {channels} channel{'s' if channels > 1 else ''}"
        return Claim(strength=1.0, reason=reason, num_distinct=len(column), num_missing=missing)

    def fit(self, column: Column, rows: Rows) -> SeriesState:
        assert isinstance(column, ArrayColumn)
        values = column.values[rows].astype(np.float64)
        if column.lengths is not None:
            values[~_valid(column.lengths[rows], values.shape[1])] = np.nan
        flat = values.reshape(-1, values.shape[2])
        decades, usual = _scales(values)
        if decades >= APART:
            return SeriesState(
                length=int(values.shape[1]),
                mean=(0.0,) * values.shape[2],
                std=tuple(map(float, usual)),
                padded=column.lengths is not None,
                own_scale=True,
                decades=decades,
            )
        seen = ~np.isnan(flat)
        count = np.maximum(seen.sum(axis=0), 1)
        mean = np.where(seen, flat, 0.0).sum(axis=0) / count
        std = np.sqrt((np.where(seen, flat - mean, 0.0) ** 2).sum(axis=0) / count)
        return SeriesState(
            length=int(values.shape[1]),
            mean=tuple(map(float, mean)),
            std=tuple(float(s) if s > FLATTEST else 1.0 for s in std),
            padded=column.lengths is not None,
        )

    def encode(self, column: Column, state: Any) -> Array:
        assert isinstance(column, ArrayColumn)
        if state.own_scale:
            values = _on_own_scale(column, state)
        else:
            values = (column.values - np.asarray(state.mean, np.float32)) / np.asarray(state.std, np.float32)
        values = _fill_gaps(values.astype(np.float32))
        if column.lengths is not None:
            values[~_valid(column.lengths, values.shape[1])] = 0.0
        if values.shape[1] > state.length:  # longer than any series of the training run: its beginning counts
            values = values[:, : state.length]
        return np.ascontiguousarray(_fit_length(values, column.name, state))

    def sample(self, name: str, state: Any) -> Column:
        """See Kind."""
        return ArrayColumn(
            name=name,
            values=np.zeros((2, state.length, len(state.mean)), np.float32),
            kind="series",
            lengths=np.array([1, state.length], np.int32) if state.padded else None,
        )

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        channels = len(state.mean)
        return (name,) if channels == 1 else tuple(f"{name} {i + 1}" for i in range(channels))

    def spec(self, name: str, state: Any) -> InputSpec:
        shape = (state.length, len(state.mean))
        return InputSpec(form="series", shape=shape, padded=state.padded, names=self.value_names(name, state))

    def notes(self, name: str, state: Any, *, private: bool = False) -> tuple[Note, ...]:
        if not state.own_scale:
            return ()
        text = (
            f"'{name}': the scales of single series lie {state.decades:.1f} powers of ten apart, so each is brought to its own: its level "
            "and how large it is as a whole do not count."
        )
        return (Note(subject="series", text=text),)

    def lengths(self, column: Column, state: Any, encoded: Array) -> Array | None:
        assert isinstance(column, ArrayColumn)
        if not state.padded:
            return None
        if column.lengths is None:
            return np.full(len(column), min(column.values.shape[1], state.length), dtype=np.int32)
        return np.asarray(np.minimum(column.lengths, state.length), dtype=np.int32)


def _scales(values: Array) -> tuple[float, Array]:
    """How many powers of ten the scales of most series (n, t, c) lie apart, and the usual deviation (c,) of each channel."""
    deviation = _deviations(values)
    known = deviation > 0
    if not known.any():
        return 0.0, np.ones(values.shape[2])
    logarithms = np.where(known, np.log10(np.where(known, deviation, 1.0)), np.nan)
    usual = np.array([np.nanmedian(part) if (~np.isnan(part)).any() else 0.0 for part in logarithms.T])
    own = _own(logarithms - usual)
    low, high = np.quantile(own, [0.05, 0.95])
    return float(high - low), np.clip(10.0**usual, 1e-30, 1e30)


def _own(apart: Array) -> Array:
    """The scale (n,) of each series as a power of ten, from how far its channels (n, c) are from what is usual; 0 where none is
    known."""
    known = ~np.isnan(apart)
    return np.asarray(np.where(known, apart, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _deviations(values: Array) -> Array:
    """(n, c) over the steps of each series (n, t, c) that are there."""
    seen = ~np.isnan(values)
    count = np.maximum(seen.sum(axis=1), 1)
    mean = np.where(seen, values, 0.0).sum(axis=1) / count
    around = np.where(seen, values - mean[:, None], 0.0)
    deviation = np.sqrt(np.square(around).sum(axis=1) / count)
    return np.asarray(np.where(deviation > 1e-6 * np.abs(mean), deviation, 0.0))


def _on_own_scale(column: ArrayColumn, state: SeriesState) -> Array:
    """Every series without its level, in units of its own scale; how its channels compare with each other is kept."""
    values = column.values.astype(np.float64)
    if column.lengths is not None:
        values[~_valid(column.lengths, values.shape[1])] = np.nan
    deviation = _deviations(values)
    usual = np.asarray(state.std)
    apart = np.where(deviation > 0, np.log10(np.where(deviation > 0, deviation, 1.0) / usual), np.nan)
    seen = ~np.isnan(values)
    mean = np.where(seen, values, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray((values - mean[:, None]) / (usual * 10.0 ** _own(apart)[:, None])[:, None])


def _fit_length(values: Array, name: str, state: SeriesState) -> Array:
    """Series that are shorter than the longest of training are padded, if the model knows of padding."""
    missing = state.length - values.shape[1]
    if missing <= 0:
        return values
    if not state.padded:
        raise DataError(
            f"Column '{name}' holds series of {values.shape[1]} steps, but the model was trained on series "
            f"of exactly {state.length}. Bring them to that length first."
        )
    return np.pad(values, ((0, 0), (0, missing), (0, 0)))


def _valid(lengths: Array, steps: int) -> Array:
    return np.arange(steps)[None, :] < lengths[:, None]


def _fill_gaps(values: Array) -> Array:
    """Missing steps become the straight line between their neighbours, or 0 where a whole channel is missing."""
    for row, channel in np.argwhere(np.isnan(values).any(axis=1)):
        curve = values[row, :, channel]
        known = np.flatnonzero(~np.isnan(curve))
        steps = np.arange(len(curve))
        values[row, :, channel] = np.interp(steps, known, curve[known]) if len(known) else 0.0
    return values
