"""Series: each end is an example, which a forecaster continues. Nothing trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from netpick.answers import HORIZON, PLAIN
from netpick.answers.answered import AnsweredHorizon
from netpick.answers.compare import Resampler
from netpick.answers.evaluate import evaluate
from netpick.answers.horizon import QUANTILE_NAMES, time_name
from netpick.answers.metrics import metrics_for
from netpick.columns.batches import batch_rows
from netpick.data.sources.wide import turned
from netpick.errors import DataError, near_matches
from netpick.saved.asked.base import Asked
from netpick.saved.engines import FORECASTS, BaselineEngine, Engine
from netpick.saved.parts import ModelParts
from netpick.tasks.forecast.parts import new_scales
from netpick.tasks.forecast.state import ForecastState
from netpick.tasks.forecast.timeline import Timeline, TimelineRequest, make_timeline, table_columns
from netpick.tasks.forecast.windows import Windows, make_windows, step_values
from netpick.tasks.learned import Scores, overlap
from netpick.types import Array, Rows, Source

MOST_SCORED = 4_000_000  # forecast values; of more windows every so many are scored


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The end of every series, ready to be continued."""

    timeline: Timeline  # one horizon longer than the known values
    origins: Rows  # (n,) step at which the horizon of each series begins
    windows: Windows


class AskedSeries(Asked):
    """Each series is continued past its last known target; rows behind it may give covariates that are known ahead.

    To be scored, windows are made wherever a whole horizon is known.
    """

    @staticmethod
    def arranged(source: Source) -> Source:
        return turned(source)

    @cached_property
    def ends(self) -> Ends:
        """Raises DataError when columns are missing, the history is shorter than the context, or such covariates are missing."""
        state: ForecastState = self.parts.task_state
        timeline = _timeline(state, self.source)
        values = step_values(timeline, self.source.columns, state.targets)
        longer, origins = _extended(timeline, state, values)
        _need_known(longer, origins, state, self.source)
        return Ends(timeline=longer, origins=origins, windows=_windows(self.parts, longer, self.source))

    @contextmanager
    def encoded(self, engine: Engine, limit: int | None = None) -> Iterator[Mapping[str, Array]]:
        windows, origins = self.ends.windows, self.ends.origins
        if isinstance(engine, BaselineEngine):
            yield {FORECASTS: engine.forecasts(windows, origins)}
        else:
            yield {name: np.ascontiguousarray(array[origins]) for name, array in windows.store.arrays.items()}

    def table(self, answers: Array) -> pl.DataFrame:
        """A row a series and step: time, prediction, low (10 %), median and high (90 %) of each target."""
        ends, state = self.ends, self.ends.windows.state
        return _table(ends.timeline, ends.origins, state, self.source, HORIZON.decode(answers, state))

    def score(self, engine: Engine) -> Scores:
        """All metrics over the windows of the data, with intervals that know that neighbouring windows overlap."""
        parts, state = self.parts, self.parts.task_state
        timeline = _timeline(state, self.source)
        windows = _windows(parts, timeline, self.source)
        rows = windows.rows
        if len(rows) == 0:
            raise DataError(
                f"{self.source.name} has no whole window to score: one takes {state.context:,} steps and the {state.horizon:,} after "
                f"them, and the longest series has {int(timeline.lengths.max()):,}. Pass a longer history."
            )
        rows = rows[:: max(1, -(-len(rows) * windows.truth.shape[1] // MOST_SCORED))]
        predictions = HORIZON.decode(_answers(parts, engine, windows, rows), windows.state)
        resampler = Resampler(len(rows), 0, windows.test_groups(rows))
        scores = evaluate(HORIZON, windows.truth[rows], predictions, PLAIN, metrics_for(AnsweredHorizon), resampler)
        learned = parts.record.learned
        return Scores(scores, overlap(learned, windows.store.arrays, rows) if learned else None)


def _answers(parts: ModelParts, engine: Engine, windows: Windows, rows: Rows) -> Array:
    """Of these windows, gathered a batch at a time: all at once they may be larger than memory."""
    if isinstance(engine, BaselineEngine):
        return engine.forecasts(windows, rows)
    size = batch_rows(parts.inputs)
    arrays = windows.store.arrays
    found = [
        engine.outputs({name: array[rows[start : start + size]] for name, array in arrays.items()})
        for start in range(0, len(rows), size)
    ]
    return np.concatenate(found)


def _timeline(state: ForecastState, source: Source) -> Timeline:
    for name in (*state.targets, *state.time_columns, *state.id_columns):
        if name not in table_columns(source.columns):
            what = "the history of each target" if name in state.targets else "the times and names of the series"
            raise DataError(
                f"{source.name} has no column '{name}', but a forecast continues {what}."
                f"{near_matches(name, source.columns)} Pass a table like that of training."
            )
    asked = TimelineRequest(time=state.time_columns, ids=state.id_columns, step=state.step, targets=state.targets)
    if not state.time_columns:  # rows are steps, in their order
        return make_timeline(replace(source, columns={n: source.columns[n] for n in state.targets}), asked)
    return make_timeline(source, asked)


def _windows(parts: ModelParts, timeline: Timeline, source: Source) -> Windows:
    values = step_values(timeline, source.columns, parts.task_state.targets)
    state, numbers = new_scales(timeline, parts.task_state, values)
    return make_windows(timeline, source.columns, state, parts.encoders, numbers)


def _extended(timeline: Timeline, state: ForecastState, values: Array) -> tuple[Timeline, Rows]:
    """Series that end one horizon behind their last known value, and the steps at which their horizons begin."""
    known = np.asarray(~np.isnan(values).all(axis=1))
    parts, origins, starts = [], [], [0]
    for index, name in enumerate(timeline.ids):
        start, end = int(timeline.starts[index]), int(timeline.starts[index + 1])
        steps = np.flatnonzero(known[start:end])
        length = int(steps[-1]) + 1 if len(steps) else 0
        if length < state.context:
            who = f"Series '{name}'" if name else "The series"
            raise DataError(
                f"{who} has {length:,} steps with known values, but the model reads {state.context:,} before it forecasts. "
                "Pass a longer history, or train with a shorter --context."
            )
        rows = np.full(length + state.horizon, -1, dtype=np.int64)
        given = timeline.rows[start : min(end, start + length + state.horizon)]
        rows[: len(given)] = given
        parts.append(rows)
        origins.append(starts[-1] + length)
        starts.append(starts[-1] + len(rows))
    longer = replace(timeline, rows=np.concatenate(parts), starts=np.asarray(starts))
    return longer, np.asarray(origins, dtype=np.int64)


def _need_known(timeline: Timeline, origins: Rows, state: ForecastState, source: Source) -> None:
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


def _table(
    timeline: Timeline, origins: Rows, state: ForecastState, source: Source, predictions: AnsweredHorizon
) -> pl.DataFrame:
    assert predictions.quantiles is not None
    columns: dict[str, pl.Series] = {}
    table = table_columns(source.columns)
    first = timeline.rows[timeline.starts[:-1]]
    for name in state.id_columns:
        cells = table[name].gather(pl.Series(np.maximum(first, 0)))
        columns[name] = cells.gather(pl.Series(np.repeat(np.arange(len(origins)), state.horizon)))
    steps = origins[:, None] + np.arange(state.horizon)[None, :]
    times = timeline.times(timeline.positions[steps].ravel())
    columns[time_name(state.time_columns)] = pl.Series(state.step.text(times))
    for target, name in enumerate(state.targets):
        of_target = "" if len(state.targets) == 1 else f"_{name}"
        values = predictions.values.reshape(len(origins), state.horizon, -1)[..., target]
        columns[f"prediction{of_target}"] = pl.Series(values.ravel())
        quantiles = predictions.quantiles.reshape(len(origins), state.horizon, len(state.targets), -1)[:, :, target]
        for i, quantile in enumerate(QUANTILE_NAMES):
            columns[f"{quantile}{of_target}"] = pl.Series(quantiles[..., i].ravel())
    return pl.DataFrame([series.alias(name) for name, series in columns.items()])
