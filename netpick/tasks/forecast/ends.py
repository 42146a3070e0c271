"""The ends of series, where forecasts begin: one horizon longer than what is known, and the table of what is forecast there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from netpick.answers.answered import AnsweredHorizon
from netpick.answers.horizon import time_name
from netpick.answers.quantiles import quantile_names
from netpick.errors import DataError
from netpick.tasks.forecast.short_series import padded
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.timeline import Timeline, table_columns
from netpick.tasks.forecast.windows import Windows
from netpick.types import Array, Rows, Source


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The end of every series, ready to be continued."""

    timeline: Timeline  # one horizon longer than the known values
    origins: Rows  # (n,) step at which the horizon of each series begins
    windows: Windows
    known: Array  # (n,) known steps of each series


def extended(timeline: Timeline, state: ForecastState, values: Array) -> tuple[Timeline, Rows]:
    """Series that end one horizon behind their last known value, and the steps at which their horizons begin."""
    known = np.asarray(~np.isnan(values).all(axis=1))
    parts, origins, starts = [], [], [0]
    for index, name in enumerate(timeline.ids):
        start, end = int(timeline.starts[index]), int(timeline.starts[index + 1])
        steps = np.flatnonzero(known[start:end])
        length = int(steps[-1]) + 1 if len(steps) else 0
        if not length:
            who = f"Series '{name}'" if name else "The series"
            raise DataError(
                f"{who} has no known value of '{', '.join(state.targets)}', but a forecast continues from known values. Add its "
                "history, or leave it out."
            )
        rows = np.full(length + state.horizon, -1, dtype=np.int64)
        given = timeline.rows[start : min(end, start + length + state.horizon)]
        rows[: len(given)] = given
        parts.append(rows)
        origins.append(starts[-1] + length)
        starts.append(starts[-1] + len(rows))
    longer = replace(timeline, rows=np.concatenate(parts), starts=np.asarray(starts))
    lengths = np.asarray(origins) - longer.starts[:-1]
    pads = np.maximum(state.context - lengths, 0)
    shifted = np.asarray(origins) + np.cumsum(pads)
    return padded(longer, int(longer.lengths.max()) + 1, pads), shifted.astype(np.int64)


def need_known(timeline: Timeline, origins: Rows, state: ForecastState, source: Source) -> None:
    table = table_columns(source.columns)
    for name in state.known:
        if name not in table:
            raise DataError(
                f"{source.name} has no column '{name}', but the model was trained with it as known ahead. Add the column, with "
                f"values for the {state.horizon:,} steps behind the last known target too."
            )
        steps = origins[:, None] + np.arange(state.horizon)[None, :]
        rows = timeline.rows[steps]
        filled = table[name].is_not_null().to_numpy()
        missing = (rows < 0) | ~filled[np.maximum(rows, 0)]
        if missing.any():
            first = steps[missing][:1]
            when = state.step.text(timeline.times(timeline.positions[first]))[0]
            raise DataError(
                f"Column '{name}' has no value for {when}, but it was said to be known ahead (--known {name}). Add rows for "
                f"the {state.horizon:,} steps behind the last known target, with the target left empty."
            )


def remarks(ends: Ends, trained: ForecastState) -> pl.Series:
    """Of each row, why its forecast rests on little: a new series, or one that is shorter than a window; else nothing."""
    words = []
    for name, known in zip(ends.timeline.ids, ends.known.tolist(), strict=True):
        new = "" if name in trained.ids else "new series"
        short = f"short: {known:,} of {trained.context:,} steps" if known < trained.context else ""
        words.append("; ".join(filter(None, (new, short))))
    return pl.Series(words, dtype=pl.String).gather(pl.Series(np.repeat(np.arange(len(words)), trained.horizon)))


def continued(
    timeline: Timeline, origins: Rows, state: ForecastState, source: Source, predictions: AnsweredHorizon
) -> pl.DataFrame:
    _, quantiles = predictions.stated_quantiles
    assert quantiles is not None
    columns: dict[str, pl.Series] = {}
    table = table_columns(source.columns)
    present = np.flatnonzero(timeline.rows >= 0)
    first = timeline.rows[
        present[np.searchsorted(present, timeline.starts[:-1])]
    ]  # a short series begins with steps without a row
    for name in state.id_columns:
        cells = table[name].gather(pl.Series(first))
        columns[name] = cells.gather(pl.Series(np.repeat(np.arange(len(origins)), state.horizon)))
    steps = origins[:, None] + np.arange(state.horizon)[None, :]
    times = timeline.times(timeline.positions[steps].ravel())
    columns[time_name(state.time_columns)] = pl.Series(state.step.text(times))
    for target, name in enumerate(state.targets):
        of_target = "" if len(state.targets) == 1 else f"_{name}"
        values = predictions.values.reshape(len(origins), state.horizon, -1)[..., target]
        columns[f"prediction{of_target}"] = pl.Series(values.ravel())
        of_steps = quantiles.reshape(len(origins), state.horizon, len(state.targets), -1)[:, :, target]
        for i, quantile in enumerate(quantile_names(state.quantiles)):
            columns[f"{quantile}{of_target}"] = pl.Series(of_steps[..., i].ravel())
    return pl.DataFrame([series.alias(name) for name, series in columns.items()])
