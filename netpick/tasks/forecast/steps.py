"""Cells of columns in the order of the steps: targets with zeros where a missing row is one, values and covariates filled forward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from netpick.columns.kinds.cells import as_numbers
from netpick.tasks.forecast.timeline import ZERO, Timeline, table_columns
from netpick.types import Array, Column, TableColumn


def step_cells(timeline: Timeline, series: pl.Series) -> pl.Series:
    """A column's cells in the order of the steps, null in gaps."""
    present = timeline.rows >= 0
    cells = series.gather(pl.Series(np.where(present, timeline.rows, 0)))
    return cells if present.all() else pl.select(pl.when(pl.Series(present)).then(pl.lit(cells))).to_series()


def step_values(timeline: Timeline, columns: Mapping[str, Column], names: Sequence[str]) -> Array:
    """(N, V) float64 of these targets, NaN where missing and in gaps, 0 where a step without a row is one."""
    table = table_columns(columns)
    parts = []
    for name in names:
        numbers = as_numbers(step_cells(timeline, table[name]))
        known = numbers.fill_null(float("nan")).to_numpy()
        parts.append(np.where(timeline.rows == ZERO, 0.0, known) if timeline.zeros else known)
    return np.stack(parts, axis=1) if parts else np.zeros((timeline.num_steps, 0))


def known_end(timeline: Timeline, values: Array) -> int:
    """The position behind the last known value (N, V) of any target: what is known ahead may stand behind it."""
    known = ~np.isnan(values).all(axis=1)
    return int(timeline.positions[known].max()) + 1


def last_known(known: Array, starts: Array) -> Array:
    """(N,) number of the last step at or before each one, in its series, where `known` (N,) holds; -1 without any."""
    steps = np.where(known, np.arange(len(known)), -1)
    filled = np.maximum.accumulate(steps) if len(steps) else steps
    first = np.repeat(starts[:-1], np.diff(starts))
    return np.where(filled >= first, filled, -1)


def known_steps(values: Array, starts: Array) -> Array:
    """(S,) steps from the first to the last known one of each series, of values (N, V)."""
    known: Array = np.asarray(~np.isnan(values).all(axis=1))
    counts = np.zeros(len(starts) - 1, dtype=np.int64)
    for index in range(len(counts)):
        steps = np.flatnonzero(known[starts[index] : starts[index + 1]])
        counts[index] = steps[-1] - steps[0] + 1 if len(steps) else 0
    return counts


def filled_forward(values: Array, starts: Array) -> Array:
    """(N, V) with missing values replaced by the last known one of the series; NaN where there was none yet.

    Never from later values: a window must not see what comes behind it.
    """
    out = values.copy()
    for column in range(values.shape[1]):
        index = last_known(~np.isnan(values[:, column]), starts)
        out[:, column] = np.where(index >= 0, values[index, column], np.nan)
    return out


def covariate_cells(timeline: Timeline, column: pl.Series) -> TableColumn:
    """A covariate in the order of the steps, missing cells and gaps filled forward."""
    cells = step_cells(timeline, column)
    index = last_known(cells.is_not_null().to_numpy(), timeline.starts)
    present = index >= 0
    filled = cells.gather(pl.Series(np.where(present, index, 0)))
    if not present.all():
        filled = pl.select(pl.when(pl.Series(present)).then(pl.lit(filled))).to_series()
    return TableColumn(name=column.name, values=filled.alias(column.name))
