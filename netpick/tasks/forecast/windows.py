"""Rows are windows: row r looks at the T steps before step r and answers for the H steps from r on.

All windows are views of a few arrays with one entry a step; a batch is gathered from them by row number, and nothing is
stored a window. Rows whose window would begin before their series does, or whose horizon would reach into the next series,
exist but belong to no part. Inputs: `window` (T, C) with the V targets first, then covariates and calendar;
`window.future` (H, K) with what is known ahead; `window.series` (1,), the number of the series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from netpick.answers.horizon import transformed
from netpick.columns.encode import Encoder
from netpick.columns.forms import FORMS
from netpick.columns.kinds import KINDS
from netpick.columns.kinds.cells import as_numbers
from netpick.columns.store import Store
from netpick.errors import DataError
from netpick.tasks.forecast.blocks import time_blocks
from netpick.tasks.forecast.repeated import last_season
from netpick.tasks.forecast.short_series import begun_earlier
from netpick.tasks.forecast.state import ForecastState, horizon_view, naive_period
from netpick.tasks.forecast.timeline import ZERO, Timeline, table_columns
from netpick.tasks.forecast.timesteps import calendar_features, calendar_value_names
from netpick.types import Array, Column, Inputs, InputSpec, Rows, TableColumn
from netpick.types.results import ForecastInfo, ForecastOrigin

MOST_CATEGORIES = 20  # of a covariate
MOST_SHOWN = 8  # test windows in the report
MOST_HISTORY = 500  # steps before each of them


@dataclass(frozen=True, kw_only=True)
class Windows:
    """All windows of a table, as views. N steps, S series, V targets."""

    timeline: Timeline
    state: ForecastState
    encoders: tuple[Encoder, ...]  # of covariates
    inputs: Inputs
    store: Store
    truth: Array  # (N, H * V) in the targets' units, NaN where missing
    target: Array  # (N, H * V) float32 in the units of the series' scales
    raw: Array  # (N, V) in the targets' units, NaN where missing
    values: Array  # (N, V) the same forward filled
    rows: Rows  # whose window and horizon lie inside their series
    series: Array  # (N,) number of the series in the state

    def test_groups(self, rows: Rows) -> Array:
        """Windows whose horizons overlap depend on each other: the number of the block of each row."""
        positions = self.timeline.positions[rows]
        groups = time_blocks(positions, self.state.horizon, self.state.season)
        if len(np.unique(groups)) < 3 and len(np.unique(self.series[rows])) >= 5:
            return self.series[rows]
        return np.asarray(groups, dtype=np.int64)

    def repeated(self, rows: Rows) -> Array:
        """(n, H * V) the seasonal naive forecast from these rows."""
        first = self.timeline.starts[self.timeline.series[rows]]
        return last_season(self.values, first, rows, naive_period(self.state), self.state.horizon)

    def info(self, rows: Rows) -> ForecastInfo:
        """What the report shows of these test rows: some windows, evenly spread, the last one among them."""
        state, timeline = self.state, self.timeline
        places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_SHOWN)).round().astype(int))
        shown = []
        for place in places.tolist():
            row = int(rows[place])
            series = int(timeline.series[row])
            first = max(int(timeline.starts[series]), row - max(state.context, 2 * state.horizon), row - MOST_HISTORY)
            at = timeline.positions[first:row]
            ahead = timeline.positions[row] + np.arange(state.horizon)
            shown.append(
                ForecastOrigin(
                    place=place,
                    series=timeline.ids[series],
                    history_times=state.step.text(timeline.times(at)),
                    history=self.values[first:row],
                    times=state.step.text(timeline.times(ahead)),
                )
            )
        return ForecastInfo(
            horizon=state.horizon,
            context=state.context,
            season=state.season,
            step=state.step.words,
            shown=shown,
            known=state.known,
            ids=timeline.ids if len(timeline.ids) > 1 else (),
            known_steps=known_steps(self.raw, timeline.starts) if len(timeline.ids) > 1 else None,
            series=timeline.series[rows],
            ahead=self.times(known_end(timeline, self.raw) + np.arange(min(2, state.horizon))),
        )

    def series_names(self, rows: Rows) -> list[str]:
        """The series of each row."""
        return [self.timeline.ids[number] for number in self.timeline.series[rows].tolist()]

    def times(self, positions: Array) -> Sequence[str]:
        """Places on the grid of times as people write them."""
        return self.state.step.text(self.timeline.times(positions))


# --- values ----------------------------------------------------------------------------------------------------------


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


def encode_covariates(timeline: Timeline, columns: Mapping[str, Column], encoders: Sequence[Encoder]) -> list[Array]:
    """(N, F) float32 for each encoder: numbers as their kind scales them, categories as 0/1 columns."""
    table, parts = table_columns(columns), []
    for encoder in encoders:
        if encoder.column not in table:
            raise DataError(
                f"The data have no column '{encoder.column}', but the model was trained with it. Add the column, or train "
                f"again without it: --drop {encoder.column}."
            )
        kind = KINDS[encoder.kind]
        encoded = kind.encode(covariate_cells(timeline, table[encoder.column]), encoder.state)
        if FORMS[kind.form].indices:
            counts = kind.cardinalities(encoder.state)
            encoded = np.concatenate(
                [encoded[:, i, None] == np.arange(1, count) for i, count in enumerate(counts)], axis=1
            )
        parts.append(encoded.astype(np.float32))
    return parts


def covariate_names(encoder: Encoder) -> tuple[str, ...]:
    """What the columns of an encoded covariate are called."""
    kind = KINDS[encoder.kind]
    if not FORMS[kind.form].indices:
        return kind.value_names(encoder.column, encoder.state)
    counts = kind.cardinalities(encoder.state)
    return tuple(f"{encoder.column} {code}" for count in counts for code in range(1, count))


# --- windows ---------------------------------------------------------------------------------------------------------


def make_windows(
    timeline: Timeline,
    columns: Mapping[str, Column],
    state: ForecastState,
    encoders: Sequence[Encoder],
    series: Array | None = None,
) -> Windows:
    """The windows of all steps. series: (S,) numbers of the timeline's series in the state, where they differ."""
    of_step = timeline.series if series is None else series[timeline.series]
    raw = step_values(timeline, columns, state.targets)
    values = begun_earlier(filled_forward(raw, timeline.starts), timeline, state.season)
    location, scale = np.asarray(state.location)[of_step], np.asarray(state.scale)[of_step]
    seen = filled_forward(transformed(values, state), timeline.starts)
    scaled_values = (seen - location) / scale
    scaled_values = np.nan_to_num(scaled_values).astype(np.float32)
    scaled_truth = ((transformed(raw, state) - location) / scale).astype(np.float32)
    past = encode_covariates(timeline, columns, [e for e in encoders if e.column not in state.known])
    known = encode_covariates(timeline, columns, [e for e in encoders if e.column in state.known])
    calendar = calendar_features(timeline.times(timeline.positions), state.calendar)
    ahead = np.concatenate([*known, calendar], axis=1)
    both = np.concatenate([scaled_values, *past, ahead], axis=1)
    arrays = {"window": _past_view(both, state.context), "window.series": of_step[:, None].astype(np.int32)}
    if ahead.shape[1]:
        view = horizon_view(ahead, state.horizon, 0.0)
        arrays["window.future"] = _three(view, state.horizon, ahead.shape[1])
    rows = whole_windows(timeline, state, np.asarray(~np.isnan(raw).all(axis=1)))
    return Windows(
        timeline=timeline,
        state=state,
        encoders=tuple(encoders),
        inputs=window_inputs(state, encoders),
        store=Store(arrays=arrays),
        truth=horizon_view(raw, state.horizon, float("nan")),
        target=horizon_view(scaled_truth, state.horizon, float("nan")),
        raw=raw,
        values=np.where(np.isnan(values), _typical(state, of_step), values),
        rows=rows,
        series=of_step,
    )


def _typical(state: ForecastState, series: Array) -> Array:
    location = np.asarray(state.location)[series]
    return np.where(np.asarray(state.log), np.exp(np.where(np.asarray(state.log), location, 0.0)), location)


def window_inputs(state: ForecastState, encoders: Sequence[Encoder]) -> Inputs:
    """What the networks will get, by input name."""
    past = [name for e in encoders if e.column not in state.known for name in covariate_names(e)]
    ahead = [name for e in encoders if e.column in state.known for name in covariate_names(e)]
    ahead += calendar_value_names(state.calendar)
    names = (*state.targets, *past, *ahead)
    inputs = {
        "window": InputSpec(
            form="window",
            shape=(state.context, len(names)),
            names=names,
            ahead=(len(state.targets), state.horizon, state.season),
        ),
        "window.series": InputSpec(form="window", shape=(1,), names=state.targets),
    }
    if ahead:
        inputs["window.future"] = InputSpec(form="window", shape=(state.horizon, len(ahead)), names=tuple(ahead))
    return inputs


def _past_view(values: Array, context: int) -> Array:
    """(N, C) as (N, T, C): the T steps before each one, without a copy for each."""
    steps, width = values.shape
    longer = np.zeros((context + steps, width), dtype=np.float32)
    longer[context:] = values
    row, cell = longer.strides
    shape = (steps, context, width)
    return np.lib.stride_tricks.as_strided(longer, shape, (row, row, cell), writeable=True)


def _three(view: Array, steps: int, width: int) -> Array:
    row, cell = view.strides
    shape, strides = (len(view), steps, width), (row, row, cell)
    return np.lib.stride_tricks.as_strided(view, shape, strides, writeable=True)


def whole_windows(timeline: Timeline, state: ForecastState, known: Array) -> Rows:
    """Rows whose window and horizon lie inside their series, and whose horizon holds a known (N,) value."""
    steps = np.arange(timeline.num_steps)
    first = np.repeat(timeline.starts[:-1], timeline.lengths)
    end = np.repeat(timeline.starts[1:], timeline.lengths)
    inside = (steps - first >= state.context) & (steps + state.horizon <= end)
    before = np.concatenate([[0], np.cumsum(known)])
    some = before[np.minimum(steps + state.horizon, len(known))] > before[steps]
    return np.flatnonzero(inside & some)
