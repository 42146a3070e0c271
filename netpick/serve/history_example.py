"""A history that a forecaster continues, for its page and its documentation: made of what the model file knows, no row of it is real."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from netpick.columns.encode import Encoder
from netpick.serve.options import Limits
from netpick.serve.ports import port_of
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.timeline import ALL, SEPARATOR
from netpick.types.words import counted, listed

MOST_STEPS = 60  # of history
WEEK = 7  # steps of a wave where no season is known, or a long one


def example_rows(
    state: ForecastState, encoders: tuple[Encoder, ...], times: tuple[str, ...], limits: Limits
) -> list[dict[str, Any]]:
    """A series of the first name: its newest steps, and behind them a horizon of what has to be known ahead. Empty where times
    stand in several columns."""
    if len(times) > 1 or not state.location:
        return []
    steps = min(state.context, MOST_STEPS)
    ahead = state.horizon if state.known else 0
    when = state.step.text(state.step.times(np.arange(steps + ahead)))
    values = _values(state, steps)
    ids = dict(zip(state.id_columns, state.ids[_single(state)].split(SEPARATOR), strict=False))
    beside = {encoder.column: port_of(encoder, limits).example() for encoder in encoders}
    rows: list[dict[str, Any]] = []
    for step in range(steps + ahead):
        row: dict[str, Any] = {**dict.fromkeys(times, when[step]), **ids}
        row |= {name: values[step][i] if step < steps else None for i, name in enumerate(state.targets)}
        row |= {name: beside.get(name) if step < steps or name in state.known else None for name in beside}
        rows.append(row)
    return rows


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows as a CSV file has them."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def needed_ahead(state: ForecastState) -> str:
    """Which columns have to be filled behind the last known value, in a sentence; empty where none have to be."""
    if not state.known:
        return ""
    targets = listed(list(state.targets), 3)
    return (
        f"Behind the last known {targets} of each series, add {counted(state.horizon, 'row')} with {listed(list(state.known), 12)} filled "
        f"in and {targets} left empty."
    )


def _single(state: ForecastState) -> int:
    """The number of the first series that is no sum of others."""
    return next((i for i, name in enumerate(state.ids) if ALL not in name.split(SEPARATOR)), 0)


def _values(state: ForecastState, steps: int) -> list[list[float]]:
    """(steps, V): a wave around each target's middle, in its units."""
    season = state.season if 1 < state.season <= MOST_STEPS // 2 else WEEK
    wave = np.sin(2 * np.pi * np.arange(steps) / season)[:, None]
    log = np.asarray(state.log)
    number = _single(state)
    drawn = np.asarray(state.location[number]) + 0.5 * np.asarray(state.scale[number]) * wave
    values = np.where(log, np.exp(np.where(log, np.minimum(drawn, 60.0), 0.0)), drawn)
    if state.nonnegative:
        values = np.where(np.asarray(state.nonnegative), np.maximum(values, 0.0), values)
    return [[float(f"{value:.4g}") for value in row] for row in values.tolist()]
