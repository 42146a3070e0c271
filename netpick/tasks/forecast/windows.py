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
from netpick.errors import DataError, RequestError
from netpick.tasks.forecast.state import ForecastState, horizon_view
from netpick.tasks.forecast.timeline import Timeline, table_columns
from netpick.tasks.forecast.times import read_date
from netpick.tasks.forecast.timesteps import calendar_features, calendar_value_names
from netpick.types import Array, Column, Inputs, InputSpec, Rows, Split, TableColumn
from netpick.types.results import ForecastInfo, ForecastOrigin

TEST_SHARE, VALIDATION_SHARE = 0.2, 0.15
FEW_HORIZONS = 20  # of history; below, one horizon at the end is for testing, and one before it for choosing
MOST_TEST_VALUES = 4_000_000  # forecast values; more windows are thinned out evenly
MOST_VALIDATION = 1_000  # windows
MOST_VALIDATION_VALUES = 400_000
MOST_CATEGORIES = 20  # of a covariate
MOST_SHOWN = 8  # test windows in the report
MOST_HISTORY = 500  # steps before each of them
FEWEST_BLOCKS = 6  # of test windows, for a block to be longer than a horizon
MOST_BLOCKS = 12  # longer blocks depend less on their neighbours; Student's t makes up for how few they are


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
    values: Array  # (N, V) forward filled, in the targets' units
    rows: Rows  # whose window and horizon lie inside their series
    series: Array  # (N,) number of the series in the state

    def test_groups(self, rows: Rows) -> Array:
        """Windows whose horizons overlap depend on each other: the number of the block of each row."""
        positions = self.timeline.positions[rows]
        groups = time_blocks(positions, self.state.horizon, self.state.season)
        if len(np.unique(groups)) < 3 and len(np.unique(self.series[rows])) >= 5:
            return self.series[rows]
        return np.asarray(groups, dtype=np.int64)

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
        )

    def series_names(self, rows: Rows) -> list[str]:
        """The series of each row."""
        return [self.timeline.ids[number] for number in self.timeline.series[rows].tolist()]

    def times(self, positions: Array) -> Sequence[str]:
        """Places on the grid of times as people write them."""
        return self.state.step.text(self.timeline.times(positions))


@dataclass(frozen=True, kw_only=True)
class Borders:
    """Positions on the grid: where validation begins, where testing begins, and where it ends."""

    validation: int
    test: int
    end: int


def time_blocks(positions: Array, horizon: int, season: int) -> Array:
    """Stretches of time (n,) that windows beginning at these positions (n,) are in, none shorter than the horizon.

    Windows that overlap share their errors, and so do the last of one stretch and the first of the next: the longer the
    stretches the better, as long as some are left.
    """
    span = int(np.ptp(positions)) + 1
    block = max(2 * horizon, season, -(-span // MOST_BLOCKS))
    block = max(horizon, min(block, -(-span // FEWEST_BLOCKS)))
    return np.asarray((positions - positions.min()) // block, dtype=np.int64)


# --- values ----------------------------------------------------------------------------------------------------------


def step_cells(timeline: Timeline, series: pl.Series) -> pl.Series:
    """A column's cells in the order of the steps, null in gaps."""
    present = timeline.rows >= 0
    cells = series.gather(pl.Series(np.where(present, timeline.rows, 0)))
    return cells if present.all() else pl.select(pl.when(pl.Series(present)).then(pl.lit(cells))).to_series()


def step_values(timeline: Timeline, columns: Mapping[str, Column], names: Sequence[str]) -> Array:
    """(N, V) float64 of these number columns, NaN where missing and in gaps."""
    table = table_columns(columns)
    parts = []
    for name in names:
        numbers = as_numbers(step_cells(timeline, table[name]))
        parts.append(numbers.fill_null(float("nan")).to_numpy())
    return np.stack(parts, axis=1) if parts else np.zeros((timeline.num_steps, 0))


def last_known(known: Array, starts: Array) -> Array:
    """(N,) number of the last step at or before each one, in its series, where `known` (N,) holds; -1 without any."""
    steps = np.where(known, np.arange(len(known)), -1)
    filled = np.maximum.accumulate(steps) if len(steps) else steps
    first = np.repeat(starts[:-1], np.diff(starts))
    return np.where(filled >= first, filled, -1)


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
    values = filled_forward(raw, timeline.starts)
    location, scale = np.asarray(state.location)[of_step], np.asarray(state.scale)[of_step]
    scaled_values = (filled_forward(transformed(values, state), timeline.starts) - location) / scale
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


# --- parts -----------------------------------------------------------------------------------------------------------


def find_borders(timeline: Timeline, horizon: int, context: int, rule: str | None) -> Borders:
    """Where the parts begin, from --split or by the rule of thumb. Raises RequestError when a part would be empty."""
    begin = int(timeline.first.min())
    end = int((timeline.first + timeline.lengths).max())
    dates = _dates(timeline, rule)
    if len(dates) >= 2:
        return Borders(validation=dates[0], test=dates[1], end=dates[2] if len(dates) == 3 else end)
    length = end - begin
    few = length < FEW_HORIZONS * horizon
    test = dates[0] if dates else end - (horizon if few else max(horizon, round(TEST_SHARE * length)))
    before = test - begin
    # Enough windows to choose on, but never more than a third of what is left to learn from.
    spare = (before - context - 2 * horizon) // 2
    wanted = horizon + max(0, min(horizon - 1, spare))
    if not few:
        wanted = max(2 * horizon - 1, round(VALIDATION_SHARE * before))
    held_out = min(wanted, max(horizon, before - context - horizon))
    return Borders(validation=test - held_out, test=test, end=end)


def _dates(timeline: Timeline, rule: str | None) -> list[int]:
    if rule is None:
        return []
    name, _, said = rule.partition(":")
    texts = [text for text in said.split(",") if text.strip()]
    if name == "time" and not texts:
        return []
    times = [int(t) if t.strip().isdigit() and timeline.step.unit == "row" else read_date(t) for t in texts]
    if name != "time" or len(texts) > 3 or any(time is None for time in times) or times != sorted(times, key=_or_zero):
        raise RequestError(
            f"A forecast is split by time, but --split {rule} was asked for. Pass --split time:DATE (testing begins there), "
            "time:DATE,DATE (choosing, then testing begin) or time:DATE,DATE,DATE (and testing ends), such as "
            "time:2017-06-26,2017-10-24."
        )
    end = int((timeline.first + timeline.lengths).max())
    grid = np.arange(int(timeline.first.min()), end)
    return [int(grid[0] + np.searchsorted(timeline.times(grid), time)) for time in times if time is not None]


def _or_zero(time: int | None) -> int:
    return time or 0


def split_windows(windows: Windows, borders: Borders, rule: str | None) -> Split:
    """The rows of each part: no horizon reaches into a later part. Raises RequestError when one would be empty."""
    timeline, state = windows.timeline, windows.state
    rows = windows.rows
    begin = timeline.positions[rows]
    end = begin + state.horizon
    train = rows[end <= borders.validation]
    validation = rows[(begin >= borders.validation) & (end <= borders.test)]
    test = rows[(begin >= borders.test) & (end <= borders.end)]
    for part, found in (("to learn from", train), ("to choose on", validation), ("to test on", test)):
        if len(found) == 0:
            raise RequestError(
                f"No window {part} is left, but one is needed: a window takes {state.context:,} steps before and {state.horizon:,} after its "
                f"origin, and the longest series has {int(timeline.lengths.max()):,}. Pass a smaller --horizon or --context, "
                "or other dates with --split time:DATE,DATE."
            )
    values = state.horizon * len(state.targets)
    validation, _ = _thinned(validation, min(MOST_VALIDATION, MOST_VALIDATION_VALUES // values))
    test, every = _thinned(test, MOST_TEST_VALUES // values)
    starts = timeline.step.text(timeline.times(np.array([borders.validation, borders.test])))
    counts = f"{len(train):,} to learn from, {len(validation):,} to choose on, {len(test):,} to test on"
    thinned = f" (every {every}th)" if every > 1 else ""
    sentence = (
        f"By time: test horizons begin at {starts[1]} or later, validation horizons at {starts[0]} or later, and none reaches "
        f"into a later part. Windows of {state.context:,} steps and a horizon of {state.horizon:,}: {counts}{thinned}."
    )
    return Split(
        train=train,
        validation=validation,
        test=test,
        sentence=sentence,
        method="time",
        override="--split time:DATE,DATE",
    )


def learnable_before(windows: Windows, borders: Borders) -> Rows:
    """All windows whose horizons end before the test part."""
    end = windows.timeline.positions[windows.rows] + windows.state.horizon
    return windows.rows[end <= borders.test]


def _thinned(rows: Rows, most: int) -> tuple[Rows, int]:
    every = max(1, -(-len(rows) // max(1, most)))
    return rows[::every], every
