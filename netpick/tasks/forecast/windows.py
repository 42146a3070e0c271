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

from netpick.answers.horizon import transformed
from netpick.columns.encode import Encoder
from netpick.columns.forms import FORMS
from netpick.columns.kinds import KINDS
from netpick.columns.store import Store
from netpick.errors import DataError
from netpick.tasks.forecast.blocks import time_blocks
from netpick.tasks.forecast.relative import covariate_numbers, relative_columns
from netpick.tasks.forecast.repeated import last_season
from netpick.tasks.forecast.short_series import begun_earlier
from netpick.tasks.forecast.state import ForecastState, horizon_view, naive_period
from netpick.tasks.forecast.steps import covariate_cells, filled_forward, known_end, known_steps, step_values
from netpick.tasks.forecast.timeline import Timeline, table_columns
from netpick.tasks.forecast.timesteps import calendar_features, calendar_value_names
from netpick.types import Array, Column, Inputs, InputSpec, Rows
from netpick.types.results import ForecastInfo, ForecastOrigin

MOST_CATEGORIES = 20  # of a covariate
MOST_SHOWN = 8  # test windows in the report
MOST_HISTORY = 500  # steps before each of them
BEGUN, CALENDAR = "the series has begun", "the calendar"  # channels of no column


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
    begun: Array  # (N,) whether the series has had a value
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


# --- covariates ------------------------------------------------------------------------------------------------------


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
    filled = filled_forward(raw, timeline.starts)
    begun: Array = np.asarray(~np.isnan(filled).all(axis=1))
    values = begun_earlier(filled, timeline, state.season)
    location, scale = np.asarray(state.location)[of_step], np.asarray(state.scale)[of_step]
    seen = filled_forward(transformed(values, state), timeline.starts)
    scaled_values = (seen - location) / scale
    scaled_values = np.nan_to_num(scaled_values).astype(np.float32)
    scaled_truth = ((transformed(raw, state) - location) / scale).astype(np.float32)
    behind, before = _past_and_ahead(state, encoders)
    past = [begun[:, None].astype(np.float32)] if state.begun else []
    past += encode_covariates(timeline, columns, behind)
    known = encode_covariates(timeline, columns, before)
    for encoder in encoders:
        if encoder.column in state.relative:
            shown = known if encoder in before else past
            shown += relative_columns(timeline, [covariate_numbers(timeline, columns, encoder.column)])
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
        begun=begun,
        values=np.where(np.isnan(values), _typical(state, of_step), values),
        rows=rows,
        series=of_step,
    )


def _typical(state: ForecastState, series: Array) -> Array:
    location = np.asarray(state.location)[series]
    return np.where(np.asarray(state.log), np.exp(np.where(np.asarray(state.log), location, 0.0)), location)


def channels_of(
    state: ForecastState, encoders: Sequence[Encoder]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The channels of a window behind its targets: those of the past alone, and those that are known ahead too; of each the column
    that it is of and its name."""
    behind, before = _past_and_ahead(state, encoders)
    past, ahead = (
        [(e.column, name) for e in part for name in covariate_names(e)]
        + [(e.column, f"{e.column}, relative") for e in part if e.column in state.relative]
        for part in (behind, before)
    )
    calendar = [(CALENDAR, name) for name in calendar_value_names(state.calendar)]
    return [(BEGUN, BEGUN)] * state.begun + past, ahead + calendar


def window_inputs(state: ForecastState, encoders: Sequence[Encoder]) -> Inputs:
    """What the networks will get, by input name."""
    past, ahead = ([name for _, name in part] for part in channels_of(state, encoders))
    names = (*state.targets, *past, *ahead)
    traits = (int(state.begun), int(state.amounts)) if state.begun or state.amounts else ()
    inputs = {
        "window": InputSpec(
            form="window",
            shape=(state.context, len(names)),
            names=names,
            ahead=(len(state.targets), state.horizon, state.season, *traits),
        ),
        "window.series": InputSpec(form="window", shape=(1,), names=state.targets),
    }
    if ahead:
        inputs["window.future"] = InputSpec(form="window", shape=(state.horizon, len(ahead)), names=tuple(ahead))
    return inputs


def _past_and_ahead(state: ForecastState, encoders: Sequence[Encoder]) -> tuple[list[Encoder], list[Encoder]]:
    """Encoders of what is known up to the origin, and of what is known for the horizon too."""
    ahead = {*state.known, *state.static}
    return [e for e in encoders if e.column not in ahead], [e for e in encoders if e.column in ahead]


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
