"""Windows of series as examples: each origin of the history to learn from, and each end of a series to continue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl

from netpick.answers.horizon import HISTORY
from netpick.answers.metrics.forecast import ForecastMae, Mase, QuantileLoss
from netpick.answers.quantiles import conformal_reach, conformal_stretch
from netpick.columns.encode import Encoder
from netpick.columns.kinds.cells import as_numbers
from netpick.columns.store import Allocator, Store
from netpick.data.sources.wide import turned
from netpick.errors import DataError, RequestError, near_matches
from netpick.tasks.examples.base import (
    Encoded,
    Evidence,
    ExampleRequest,
    Examples,
    Labelled,
    NewExamples,
    Observed,
    Prepared,
)
from netpick.tasks.forecast.borders import thinned
from netpick.tasks.forecast.ends import Ends, continued, extended, need_known, remarks
from netpick.tasks.forecast.observed import observed_steps
from netpick.tasks.forecast.parts import SeriesParts, check_names, series_parts
from netpick.tasks.forecast.recognise import Recognised, recognise
from netpick.tasks.forecast.reconcile import coherent, weighed
from netpick.tasks.forecast.resample import resampled, resampled_again
from netpick.tasks.forecast.scales import new_scales
from netpick.tasks.forecast.state import FORECAST, ForecastState
from netpick.tasks.forecast.steps import known_end, known_steps, step_values
from netpick.tasks.forecast.sums import levels_of, with_sums, with_sums_again
from netpick.tasks.forecast.timeline import Timeline, TimelineRequest, make_timeline, table_columns
from netpick.tasks.forecast.windows import Windows, make_windows, window_inputs
from netpick.tasks.split import SealedRows
from netpick.types import Array, Inputs, Note, Rows, Source, TableColumn
from netpick.types.results import DecisionRule, ForecastInfo

MOST_SCORED = 4_000_000  # forecast values; of more windows every so many are scored


@dataclass(frozen=True, kw_only=True)
class PreparedWindows(Prepared):
    """An example is a window of a series: views that exist already, with intervals made to hold on validation windows."""

    parts: SeriesParts

    groups_columns: ClassVar[bool] = False
    explained: ClassVar[bool] = False

    @property
    def learned_target(self) -> Array:
        return self.parts.windows.target

    def state_of(self, rows: Rows) -> Any:
        """Scales are those of the steps before the test part, whatever the rows."""
        return self.state

    @property
    def num_scores(self) -> int:
        return self.parts.num_scores

    def primary(self, balance: float) -> str:
        """Medians are what least absolute errors ask for (Gneiting 2011); of several series or targets, as shares of naive ones. Amounts
        of several series, where nothing else was asked for, are judged by the quantiles that they are planned with."""
        if self.parts.windows.state.point == "median":
            return ForecastMae.name if self.num_scores == 1 else Mase.name
        return QuantileLoss.name if self.parts.by_quantiles else super().primary(balance)

    @property
    def scored_numbers(self) -> int:
        """Four numbers a step and target, eight metrics without resampling."""
        return max(2, int(self.truth.shape[1]) // 3)

    @property
    def encoders(self) -> tuple[Encoder, ...]:
        return self.parts.windows.encoders

    @property
    def inputs(self) -> Inputs:
        return self.parts.windows.inputs

    def store(self, allocator: Allocator) -> Store:
        return self.parts.windows.store

    def numbers(self, rows: Rows) -> Mapping[str, Array]:
        return {}

    @property
    def history(self) -> Windows:
        return self.parts.windows

    def rival(self, rows: Rows) -> Array:
        return self.parts.windows.repeated(rows)

    @property
    def trained_twice(self) -> bool:
        """The newest windows are worth most, and all of them end before the test part begins."""
        return True

    @property
    def learnable(self) -> Rows:
        return self.parts.learnable

    @property
    def newest(self) -> Rows:
        """Next month's forecast knows last month."""
        return self.parts.windows.rows

    def test_groups(self, rows: Rows) -> Array | None:
        return self.parts.windows.test_groups(rows)

    def calibrated(self, answered: Array) -> Any:
        """Intervals are widened or narrowed to what held on the validation windows; where forecasts are to add up, errors on these
        say how far each series may move."""
        windows, rows = self.parts.windows, self.split.validation
        state, target = windows.state, windows.target[rows]
        widths = replace(
            state,
            stretch=conformal_stretch(answered, target, state),
            reach=conformal_reach(answered, target, state),
        )
        return weighed(widths, windows, rows, self.task.answer.decode(answered, widths))

    def decoded(self, answers: Array, rows: Rows, state: Any) -> Any:
        return coherent(self.task.answer.decode(answers, state), state, self.parts.windows, rows)

    @property
    def blends(self) -> bool:
        """Members that add up each in their own way are not what a blend of their files would say."""
        return self.parts.windows.state.hierarchy is None

    def info(self, rows: Rows) -> ForecastInfo | None:
        windows = self.parts.windows
        info, rule = windows.info(rows), windows.state.hierarchy
        if rule is None:
            return info
        return replace(info, levels=levels_of(windows.timeline.ids, rule), blocks=windows.test_groups(rows))


@dataclass(frozen=True, kw_only=True)
class NewWindows(NewExamples):
    """Each series is continued past its last known target; rows behind it may give covariates that are known ahead.

    To be scored, windows are made wherever a whole horizon is known.
    """

    state: ForecastState

    noun: ClassVar[str] = "series"

    @cached_property
    def steps(self) -> Source:
        """The table with a row a step."""
        rule, sums = self.state.resampling, self.state.hierarchy
        steps = self.source if rule is None else resampled_again(self.source, rule, self.state.targets)
        return steps if sums is None else with_sums_again(steps, sums)

    @cached_property
    def ends(self) -> Ends:
        """Raises DataError when columns are missing, the history is shorter than the context, or such covariates are missing."""
        timeline = _timeline(self.state, self.steps)
        values = step_values(timeline, self.steps.columns, self.state.targets)
        longer, origins = extended(timeline, self.state, values)
        need_known(longer, origins, self.state, self.steps)
        known = known_steps(values, timeline.starts)
        return Ends(timeline=longer, origins=origins, windows=self.windows(longer), known=known)

    def windows(self, timeline: Timeline) -> Windows:
        """All windows of these steps, with scales of series that training did not know."""
        values = step_values(timeline, self.steps.columns, self.state.targets)
        state, numbers = new_scales(timeline, self.state, values)
        return make_windows(timeline, self.steps.columns, state, self.encoders, numbers)

    def encoded(self, allocator: Allocator) -> Encoded:
        return _encoded(self.ends.windows, self.ends.origins)

    def labelled(self, allocator: Allocator) -> Labelled:
        """Windows of which a whole horizon is known; those that overlap with neighbours depend on each other."""
        timeline, state = _timeline(self.state, self.steps), self.state
        windows = self.windows(timeline)
        rows = windows.rows
        if len(rows) == 0:
            raise DataError(
                f"{self.steps.name} has no whole window to score: one takes {state.context:,} steps and the {state.horizon:,} after "
                f"them, and the longest series has {int(timeline.lengths.max()):,}. Pass a longer history."
            )
        rows, _ = thinned(windows, rows, MOST_SCORED // windows.truth.shape[1])
        return Labelled(
            encoded=_encoded(windows, rows),
            truth=windows.truth[rows],
            groups=windows.test_groups(rows),
            rival=windows.repeated(rows),
        )

    def decoded(self, answers: Array, encoded: Encoded) -> Any:
        assert encoded.history is not None
        return coherent(super().decoded(answers, encoded), encoded.state, encoded.history, encoded.rows)

    def observed(self) -> Observed:
        timeline = _timeline(self.state, self.steps)
        values = step_values(timeline, self.steps.columns, self.state.targets)
        longer, _ = extended(timeline, self.state, values)
        return observed_steps(self.windows(longer), self.steps)

    def table(self, answers: Array, labels: Sequence[str], rule: DecisionRule) -> pl.DataFrame:
        """A row a series and step: time, prediction, low (10 %), median and high (90 %) or the quantiles asked for, of each target."""
        ends, state = self.ends, self.ends.windows.state
        predictions = self.decoded(answers, _encoded(ends.windows, ends.origins))
        table = continued(ends.timeline, ends.origins, state, self.steps, predictions)
        if not state.id_columns:
            return table
        return table.with_columns(remarks(ends, self.state).alias(HISTORY))

    @property
    def names(self) -> Sequence[str] | None:
        return [name or "the series" for name in self.ends.timeline.ids]

    def truth(self) -> Array | None:
        return None


class WindowExamples(Examples):
    """See Examples. Meant where a forecast is asked for, by its own options or by --task, by a table on its side, or by a table of
    nothing but times and numbers."""

    name: ClassVar[str] = "windows"
    New = NewWindows
    can_be_drawn = False

    def taken(self, source: Source, request: ExampleRequest, *, asked: bool) -> Source | None:
        options = {
            "--horizon": request.horizon,
            "--context": request.context,
            "--windows": request.windows,
            "--every": request.every,
            "--point": request.point,
            "--quantiles": request.quantiles,
            "--known": request.known,
            "--holidays": request.holidays,
            "--hierarchy": request.hierarchy,
            "--time": request.time,
            "--id": request.ids,
        }
        given = [name for name, value in options.items() if value]
        if request.task is not None and not asked:
            if given:
                raise RequestError(
                    f"{given[0]} belongs to forecasts, but --task {request.task} was asked for. Leave one of them out."
                )
            return None
        named = {*request.target, *request.drop, *(name for name, _ in request.kinds)}
        upright = source if named & set(source.columns) else turned(source)
        if asked or given or upright is not source:
            _refuse_what_rows_have(upright, request)
            return upright
        return source if request.task is None and _recognised(source, request).is_forecast else None

    def inputs(self, state: Any, encoders: Sequence[Encoder]) -> Inputs:
        if not len(state.location) == len(state.ids) > 0:
            raise ValueError("it has no scale of every series")
        return window_inputs(state, encoders)

    def arranged(self, source: Source) -> Source:
        return turned(source)

    def prepare(self, source: Source, request: ExampleRequest) -> Prepared:
        check_names(source, request)
        source, request, rule = resampled(source, request)
        source, request, sums = with_sums(source, request)
        parts = series_parts(source, request, rule, sums)
        if request.task is None and request.horizon is None:
            reason = _recognised(source, request).reason or "an option of forecasts was given"
            note = Note(subject="task", text=f"forecast ({reason})", override="--task")
            parts = replace(parts, schema=replace(parts.schema, notes=(note, *parts.schema.notes)))
        return PreparedWindows(
            source=source,
            schema=parts.schema,
            task=FORECAST,
            state=parts.windows.state,
            truth=parts.windows.truth,
            split=parts.split,
            sealed=SealedRows(parts.split.test),
            evidence=_evidence(source, parts),
            private=request.private,
            parts=parts,
        )


def _recognised(source: Source, request: ExampleRequest) -> Recognised:
    """Whether a forecast is meant where none is asked for; an option that only rows have says that none is."""
    by_date = request.split is None or bool(re.match(r"time:\d", request.split))
    if not by_date or request.test is not None or request.cut is not None or request.folds not in (None, 1):
        return Recognised()
    return recognise(source, request.target, request.drop)


def _refuse_what_rows_have(source: Source, request: ExampleRequest) -> None:
    if request.folds not in (None, 1):
        raise RequestError(
            f"--folds {request.folds} was given, but a forecast is tested on the end of its own series. Leave --folds out; "
            "--split time:DATE sets where testing begins."
        )
    if request.test is not None:
        raise RequestError(
            "--test was given, but a forecast is tested on the end of its own series. Put the rows of both files into one "
            "table and pass --split time:DATE, with the date at which testing begins."
        )
    if any(not isinstance(column, TableColumn) for column in source.columns.values()):
        raise RequestError(
            f"{source.name} holds files or arrays, but a forecast is made from a table with a column of times and columns "
            "of numbers. Pass such a table, or leave the options of forecasts out."
        )


def _evidence(source: Source, parts: SeriesParts) -> Evidence:
    """What the checks may look at: rows are steps, those from the first test window's horizon on are test rows."""
    timeline, split = parts.windows.timeline, parts.split
    present = (timeline.rows >= 0) & (timeline.positions < known_end(timeline, parts.windows.raw))
    rows, positions = timeline.rows[present], timeline.positions[present]
    test = int(timeline.positions[split.test].min())
    validation = int(timeline.positions[split.validation].min()) if len(split.validation) else test
    series = np.zeros(source.num_rows, dtype=np.int64)
    series[rows] = timeline.series[present]
    table = table_columns(source.columns)
    targets = [as_numbers(table[f.name]).fill_null(float("nan")).to_numpy() for f in parts.schema.targets]
    return Evidence(
        source=source,
        schema=parts.schema,
        train=rows[positions < validation],
        validation=rows[(positions >= validation) & (positions < test)],
        test=rows[positions >= test],
        target=np.stack(targets, axis=1),
        labels=(),
        order=rows,
        series=series,
        known=parts.windows.state.known,
    )


def _encoded(windows: Windows, rows: Rows) -> Encoded:
    return Encoded(arrays=windows.store.arrays, rows=rows, state=windows.state, history=windows)


def _timeline(state: ForecastState, source: Source) -> Timeline:
    for name in (*state.targets, *state.time_columns, *state.id_columns):
        if name not in table_columns(source.columns):
            what = "the history of each target" if name in state.targets else "the times and names of the series"
            raise DataError(
                f"{source.name} has no column '{name}', but a forecast continues {what}."
                f"{near_matches(name, source.columns)} Pass a table like that of training."
            )
    asked = TimelineRequest(
        time=state.time_columns, ids=state.id_columns, step=state.step, zeros=state.zeros, targets=state.targets
    )
    if not state.time_columns:  # rows are steps, in their order
        return make_timeline(replace(source, columns={n: source.columns[n] for n in state.targets}), asked)
    return make_timeline(source, asked)
