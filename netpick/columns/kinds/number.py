"""Numbers: measured or counted quantities, also when they were stored as text with a few stray cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic.dataclasses import dataclass

from netpick.columns.kinds.base import FEWEST_ROWS, Claim, Kind, Scale
from netpick.columns.kinds.cells import as_moderate_numbers, as_numbers, examples_of, series_of
from netpick.types import STRICT, Array, Column, Form, Rows

SAMPLED_ROWS = 200_000  # training rows that quantiles are taken from; more changes no third decimal
NUM_QUANTILES = 501
QUANTILES_FROM = 300  # rows; below, plain standardising is steadier than an empirical distribution
STRAY_SHARE = 0.05


@dataclass(config=STRICT, kw_only=True)
class NumberState:
    """How a number is scaled: by its quantiles to a standard normal, or by mean and deviation for few rows."""

    scaling: Literal["quantile", "standard"]
    quantiles: tuple[float, ...]
    mean: float
    std: Scale
    flag_missing: bool  # a second output tells missing cells apart

    def __post_init__(self) -> None:
        if len(self.quantiles) != (NUM_QUANTILES if self.scaling == "quantile" else 0):
            raise ValueError("quantiles where numbers are scaled by them")
        if any(a > b for a, b in pairwise(self.quantiles)):
            raise ValueError("quantiles in their order")


class Number(Kind):
    """A quantity. Missing cells become 0 (the middle), with a second 0/1 output when training rows had any."""

    name: ClassVar[str] = "number"
    form: ClassVar[Form] = "vector"
    State = NumberState

    def claim(self, column: Column) -> Claim | None:
        series = series_of(column)
        if series is None or not (series.dtype.is_numeric() or series.dtype == pl.String):
            return None
        numbers = as_numbers(series)
        filled = len(series) - series.null_count()
        parsed = len(numbers) - numbers.null_count()
        text = series.dtype == pl.String  # infinities of a real number column are missing cells, not stray ones
        if parsed == 0 or (text and (filled - parsed) > STRAY_SHARE * filled):
            return None
        if text and (_are_codes(series) or _digits_would_be_lost(series, numbers)):
            return None
        stray: list[tuple[int, str]] = []
        if filled > parsed:
            rows = (series.is_not_null() & numbers.is_null()).arg_true().head(20).to_list()
            stray = [(row, str(series[row])[:40]) for row in rows]
        strays = filled - parsed
        reason = f"text that reads as numbers, {strays} stray cell{'s' * (strays != 1)} apart" if text else "numbers"
        return Claim(
            strength=0.8 if text else 0.9,
            reason=reason if filled > parsed or not text else "text that reads as numbers",
            stray=stray,
            num_missing=len(series) - parsed,
            num_distinct=numbers.n_unique() - (1 if numbers.null_count() else 0),
            examples=examples_of(series),
        )

    def fit(self, column: Column, rows: Rows) -> NumberState:
        return self._fitted(column, rows, _quantiles)

    def fit_private(self, column: Column, rows: Rows) -> NumberState:
        return self._fitted(column, rows, _coarse_quantiles)

    def _fitted(self, column: Column, rows: Rows, quantiles_of: Callable[[Array], Array]) -> NumberState:
        series = series_of(column)
        assert series is not None
        fitted = as_moderate_numbers(series).to_numpy()  # NaN where missing
        fitted = fitted[rows] if len(rows) < len(fitted) else fitted
        values = fitted[~np.isnan(fitted)]
        missing = len(values) < len(fitted)
        if len(values) == 0:
            return NumberState(scaling="standard", quantiles=(), mean=0.0, std=1.0, flag_missing=missing)
        mean, std = float(values.mean()), float(values.std())
        std = std if std > 1e-12 * max(1.0, abs(mean)) else 1.0
        if len(values) < QUANTILES_FROM:
            return NumberState(scaling="standard", quantiles=(), mean=mean, std=std, flag_missing=missing)
        if len(values) > SAMPLED_ROWS:  # evenly spaced, so that no generator is needed
            values = values[:: len(values) // SAMPLED_ROWS + 1]
        quantiles = quantiles_of(values)
        return NumberState(
            scaling="quantile", quantiles=tuple(map(float, quantiles)), mean=mean, std=std, flag_missing=missing
        )

    def encode(self, column: Column, state: Any) -> Array:
        series = series_of(column)
        assert series is not None
        scaler = NumberScaler([state])
        out = np.zeros((len(series), 2 if state.flag_missing else 1), dtype=np.float32)
        for start in range(0, len(series), 1 << 19):  # in pieces: temporary float64 arrays stay small
            numbers = as_moderate_numbers(series.slice(start, 1 << 19))
            (out[start : start + len(numbers)],) = scaler.scale(numbers.to_numpy()[None])
        return out

    def value_names(self, name: str, state: Any) -> tuple[str, ...]:
        return (name, f"{name} is missing") if state.flag_missing else (name,)


def _quantiles(values: Array) -> Array:
    return np.asarray(np.quantile(values, np.linspace(0.0, 1.0, NUM_QUANTILES)))


def _coarse_quantiles(values: Array) -> Array:
    """Quantiles of means of neighbouring values, FEWEST_ROWS or more at a time, rounded: none is a value that few rows have."""
    step = 10.0 ** np.floor(np.log10(values.std() or 1.0) - 2)
    groups = np.array_split(np.sort(values), len(values) // FEWEST_ROWS)
    means = [group[0] if group[0] == group[-1] else np.round(group.mean() / step) * step for group in groups]
    return np.maximum.accumulate(_quantiles(np.repeat(means, [len(group) for group in groups])))


def _are_codes(series: pl.Series) -> bool:
    """Text of digits whose leading zeros mean something (0010, 02134): names, not quantities."""
    return bool(series.str.contains(r"^0\d+$").any())


def _digits_would_be_lost(series: pl.Series, numbers: pl.Series) -> bool:
    """Whether there are whole numbers, such as account numbers, of so many digits that different ones could become one."""
    largest: Any = numbers.abs().max()
    return largest is not None and largest >= 2.0**53 and bool(series.str.contains(r"^[+-]?\d{16,}$").any())


class NumberScaler:
    """What `Number.encode` makes of the cells of one or more columns; made once where rows come in many small batches."""

    def __init__(self, states: Sequence[NumberState]) -> None:
        """One state a column."""
        self._means = np.array([[state.mean] for state in states])
        self._stds = np.array([[state.std] for state in states])
        self._flags = [state.flag_missing for state in states]
        ranked = [i for i, state in enumerate(states) if state.scaling == "quantile"]
        self._ranked = np.array(ranked, dtype=np.intp)
        self._quantiles = np.array([states[i].quantiles for i in ranked]).reshape(len(ranked), NUM_QUANTILES)
        self._reversed = np.ascontiguousarray(-self._quantiles[:, ::-1])
        self._grid = np.linspace(0.0, 1.0, NUM_QUANTILES)

    def scale(self, numbers: Array) -> list[Array]:
        """For float64 numbers (columns, N), NaN where missing: (N, 1) a column, or (N, 2) with the flag, as float32."""
        missing = np.isnan(numbers)
        values = np.where(missing, self._means, numbers)
        scaled = (values - self._means) / self._stds
        if len(self._ranked) == len(scaled):
            scaled = self._to_normal(values, self._stds)
        elif len(self._ranked):
            scaled[self._ranked] = self._to_normal(values[self._ranked], self._stds[self._ranked])
        scaled = np.where(missing, 0.0, np.clip(scaled, -10.0, 10.0)).astype(np.float32)
        return [
            np.stack((column, flags.astype(np.float32)), axis=1) if flagged else column[:, None]
            for column, flags, flagged in zip(scaled, missing, self._flags, strict=True)
        ]

    def _to_normal(self, values: Array, stds: Array) -> Array:
        """Maps values through their empirical distribution to a standard normal; ties fall on the middle of their range."""
        from scipy.special import ndtri

        share = np.empty_like(values)
        for i, (own, quantiles, backwards) in enumerate(zip(values, self._quantiles, self._reversed, strict=True)):
            share[i] = (np.interp(own, quantiles, self._grid) + (1.0 - np.interp(-own, backwards, self._grid))) / 2
        share = np.clip(share, 1e-4, 1 - 1e-4)
        # Beyond the training range the order is kept by a slow linear tail instead of a cliff.
        low, high = self._quantiles[:, :1], self._quantiles[:, -1:]
        outside = (np.minimum(values - low, 0.0) + np.maximum(values - high, 0.0)) / stds
        return ndtri(share) + 0.1 * np.clip(outside, -10.0, 10.0)  # type: ignore[no-any-return]
