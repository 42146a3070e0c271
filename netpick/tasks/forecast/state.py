"""Forecasting: the next H steps of one or several series.

A row is an origin: the step at which the horizon begins. What lies before it is the network's window (windows.py), and its
truth are the next H values of each target, (H * V) numbers, NaN where one is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field as Value
from pydantic.dataclasses import dataclass

from netpick.answers import HORIZON
from netpick.columns.kinds.base import Extent
from netpick.columns.kinds.cells import as_numbers
from netpick.tasks.base import Task
from netpick.tasks.forecast.timesteps import Step, seasons_of
from netpick.types import STRICT, Array, Field, Rows, TableColumn

Point = Literal["mean", "median"]
Reconcile = Literal["mint", "wls", "bottom-up", "top-down"]


@dataclass(config=STRICT, kw_only=True)
class Resampling:
    """How rows at any times become one row a step."""

    every: str = Value(pattern=r"^[1-9]\d{0,2}(s|m|h|d|w|mo|q|y)$")
    time: tuple[str, ...]  # columns that tell the time of a row; the first one tells that of a step
    ids: tuple[str, ...]
    summed: tuple[str, ...]
    averaged: tuple[str, ...]  # all other columns: the last known cell


@dataclass(config=STRICT, kw_only=True)
class Hierarchy:
    """Which sums stand beside the single series, and how their forecasts are made to add up."""

    paths: tuple[tuple[str, ...], ...]  # columns of levels, from the largest to the smallest
    time: tuple[str, ...]
    ids: tuple[str, ...]  # columns that tell single series apart, those of the levels among them
    targets: tuple[str, ...]  # that are added up
    averaged: tuple[str, ...] = ()  # other columns of numbers
    method: Reconcile = "mint"
    zeros: bool = False  # steps without a row are zeros of the single series
    variance: tuple[tuple[float, ...], ...] = ()  # (S, V) of each series' validation errors; () until they are known
    covariance: tuple[tuple[tuple[float, ...], ...], ...] = ()  # (V, S, S); () where variances alone are used

    def __post_init__(self) -> None:
        count = len(self.variance)
        columns = (*self.time, *self.ids, *self.targets, *self.averaged)
        if len(set(columns)) != len(columns) or any(name not in self.ids for path in self.paths for name in path):
            raise ValueError("levels are columns that tell series apart, and each column is for one thing")
        if any(len(row) != len(self.targets) or min(row) <= 0 for row in self.variance):
            raise ValueError("variances above 0 of every series and target")
        if self.covariance and (
            len(self.covariance) != len(self.targets)
            or any(len(matrix) != count or any(len(row) != count for row in matrix) for matrix in self.covariance)
        ):
            raise ValueError("covariances of every target and pair of series")


@dataclass(config=STRICT, kw_only=True)
class ForecastState:
    """What series, steps and scales the forecasts are of; V targets, S series, H steps ahead, from T steps before."""

    targets: tuple[str, ...]
    time_columns: tuple[str, ...]
    id_columns: tuple[str, ...]
    ids: tuple[str, ...]
    step: Step
    horizon: Extent
    context: Extent
    season: Extent
    log: tuple[bool, ...]  # of each target: networks see its logarithm
    location: tuple[tuple[float, ...], ...]  # (S, V), of the possibly logarithmic values at training steps
    scale: tuple[tuple[float, ...], ...]  # (S, V)
    deviation: tuple[tuple[float, ...], ...]  # (S, V), standard deviation in the target's units
    naive: tuple[tuple[float, ...], ...]  # (S, V), mean absolute error of the seasonal naive forecast in training
    covariates: tuple[str, ...] = ()  # other columns, known up to the origin
    known: tuple[str, ...] = ()  # other columns that are known for the horizon too
    static: tuple[str, ...] = ()  # of the covariates: one value a series, which is known for the horizon as well
    calendar: tuple[str, ...] = ()  # cycles of the calendar, known for ever
    relative: tuple[
        str, ...
    ] = ()  # of the covariates: beside them stands by how much they differ from their usual value
    zeros: bool = False  # steps without a row are zeros of the targets
    begun: bool = False  # windows tell which of their steps lie before their series began
    amounts: bool = False  # the targets of several series are amounts, and locations are 0
    nonnegative: tuple[
        bool, ...
    ] = ()  # of each target: it never lay below 0, so no forecast does; () for files without it
    stretch: tuple[tuple[float, ...], ...] = ()  # (H, V), of the interval around the median; () leaves it as it is
    resampling: Resampling | None = None  # how rows become steps, where they are no steps yet
    point: Point = "mean"  # what a point forecast is
    quantiles: tuple[float, ...] = ()  # K levels that were asked for; () is 10, 50 and 90 %
    reach: tuple[tuple[tuple[float, ...], ...], ...] = ()  # (K, H, V), from the median to each of them in stated widths
    hierarchy: Hierarchy | None = None  # sums of series, and how forecasts are made to add up

    def __post_init__(self) -> None:
        series, targets = len(self.location), len(self.targets)
        if not targets or len(self.log) != targets:
            raise ValueError("at least one target, and of each whether its logarithm is seen")
        if self.nonnegative and len(self.nonnegative) != targets:
            raise ValueError("of each target whether it lies below 0")
        for table in (self.location, self.scale, self.deviation, self.naive):  # empty until they are learned
            if len(table) != series or any(len(row) != targets for row in table):
                raise ValueError("scales of every series and target")
        if not all(value > 0 for row in self.scale for value in row):
            raise ValueError("scales above 0")
        if self.stretch and (len(self.stretch) != self.horizon or any(len(row) != targets for row in self.stretch)):
            raise ValueError("a stretch of every step and target")
        if any(not 0 < level < 1 for level in self.quantiles) or list(self.quantiles) != sorted(set(self.quantiles)):
            raise ValueError("quantiles between 0 and 1, from the lowest to the highest")
        if self.reach and (
            len(self.reach) != len(self.quantiles)
            or any(len(part) != self.horizon or any(len(row) != targets for row in part) for part in self.reach)
        ):
            raise ValueError("a reach of every quantile, step and target")
        self._require_hierarchy()

    def _require_hierarchy(self) -> None:
        rule = self.hierarchy
        if rule is None:
            return
        if rule.ids != self.id_columns or rule.targets != self.targets or len(rule.variance) > len(self.location):
            raise ValueError("a hierarchy of these series and targets")

    @property
    def point_place(self) -> int:
        """Which of the four numbers that a model states for a step is its point forecast."""
        return 2 if self.point == "median" else 0


class Forecast(Task):
    """Direct forecasts of several steps. Asked for with --horizon or --task, or by a table of times and numbers alone."""

    name: ClassVar[str] = "forecast"
    State = ForecastState
    answer = HORIZON
    examples = "windows"
    asked = True

    def recognise(self, columns: Sequence[TableColumn], fields: Sequence[Field]) -> str | None:
        return None  # numbers alone do not say whether rows or the future are to be predicted

    def fit(self, columns: Sequence[TableColumn], rows: Rows) -> ForecastState:
        """Of one series whose steps are the rows; windows.py makes the state of real tables."""
        values = _numbers(columns)[rows]
        location, scale, deviation, naive = series_scales(values, season=1)
        return ForecastState(
            targets=tuple(column.name for column in columns),
            time_columns=(),
            id_columns=(),
            ids=("",),
            step=Step(unit="row", size=1, anchor=0),
            horizon=1,
            context=1,
            season=1,
            log=(False,) * len(columns),
            location=(location,),
            scale=(scale,),
            deviation=(deviation,),
            naive=(naive,),
        )

    def encode(self, columns: Sequence[TableColumn], state: Any) -> Array:
        return horizon_view(_numbers(columns), state.horizon, float("nan"))

    def beside(self, state: Any) -> tuple[str, ...]:
        asked = () if state.resampling is None else state.resampling.time
        return tuple(dict.fromkeys((*state.time_columns, *asked, *state.id_columns)))


FORECAST = Forecast()


def _numbers(columns: Sequence[TableColumn]) -> Array:
    return np.stack([as_numbers(c.values).fill_null(float("nan")).to_numpy() for c in columns], axis=1)


def naive_period(state: ForecastState) -> int:
    """Steps that the seasonal naive forecast looks back: the season that shows, else the usual one of such data."""
    return state.season if state.season > 1 else next(iter(seasons_of(state.step)), 1)


def horizon_view(values: Array, horizon: int, beyond: float) -> Array:
    """(N, V) values as (N, horizon * V): from each step on, without a copy for each; `beyond` stands behind the end."""
    steps, width = values.shape
    longer = np.full((steps + horizon, width), beyond, dtype=values.dtype)
    longer[:steps] = values
    shape, strides = (steps, horizon * width), (longer.strides[0], longer.itemsize)
    return np.lib.stride_tricks.as_strided(longer, shape, strides, writeable=True)


def series_scales(values: Array, season: int) -> tuple[tuple[float, ...], ...]:
    """Location, scale, deviation and seasonal naive error (V,) each, of one series' (n, V) values in training."""
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)  # a target without any value gets 0 and 1
    location = np.nanmean(known, axis=0)
    deviation = np.nanstd(known, axis=0)
    scale = np.where(deviation > 1e-9 * np.maximum(1.0, np.abs(location)), deviation, 1.0)
    lag = season if len(known) > season else 1
    errors = np.abs(known[lag:] - known[:-lag]) if len(known) > lag else np.abs(known - location)
    missing = np.isnan(errors).all(axis=0) if len(errors) else np.ones(known.shape[1], dtype=bool)
    naive = np.where(missing, scale, np.nanmean(np.where(missing, 0.0, errors), axis=0) if len(errors) else 0.0)
    naive = np.where(naive > 0, naive, scale)
    return tuple(tuple(map(float, part)) for part in (location, scale, scale, naive))
