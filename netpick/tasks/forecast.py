"""Forecasting: the next H steps of one or several series, as a mean and the quantiles 10, 50 and 90 %.

A row is an origin: the step at which the horizon begins. What lies before it is the network's window (windows.py), and its
truth are the next H values of each target, (H * V) numbers, NaN where one is missing. Networks answer in the units of
their series' own scale: (H, V, 4) numbers a row (mean and three quantiles), and behind them the number of the series, with
which `decode` finds the scale again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from netpick.kinds.base import Extent
from netpick.kinds.cells import as_numbers
from netpick.recipe import Recipe
from netpick.tasks.base import Task, error_function
from netpick.timesteps import Step, seasons_of
from netpick.types import STRICT, Array, Field, Predictions, Rows, TableColumn

if TYPE_CHECKING:
    from torch import Tensor

    from netpick.tasks.base import LossFunction

QUANTILES = (0.1, 0.5, 0.9)
ANSWERS = 1 + len(QUANTILES)  # numbers a step and target: the mean, then the quantiles
LARGEST_EXPONENT = 60.0  # of a log-scaled answer; beyond it a network has gone astray
FEWEST_SCORES = 100  # values that an empirical quantile of the errors is taken from, where there are so many


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
    calendar: tuple[str, ...] = ()  # cycles of the calendar, known for ever
    stretch: tuple[tuple[float, ...], ...] = ()  # (H, V), of the interval around the median; () leaves it as it is

    def __post_init__(self) -> None:
        series, targets = len(self.location), len(self.targets)
        if not targets or len(self.log) != targets:
            raise ValueError("at least one target, and of each whether its logarithm is seen")
        for table in (self.location, self.scale, self.deviation, self.naive):  # empty until they are learned
            if len(table) != series or any(len(row) != targets for row in table):
                raise ValueError("scales of every series and target")
        if not all(value > 0 for row in self.scale for value in row):
            raise ValueError("scales above 0")
        if self.stretch and (len(self.stretch) != self.horizon or any(len(row) != targets for row in self.stretch)):
            raise ValueError("a stretch of every step and target")


class Forecast(Task):
    """Direct forecasts of several steps. Asked for with --horizon or --task, or by a table of times and numbers alone."""

    name: ClassVar[str] = "forecast"
    State = ForecastState

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

    def num_outputs(self, state: Any) -> int:
        return state.horizon * len(state.targets) * ANSWERS + 1  # type: ignore[no-any-return]

    def labels(self, state: Any) -> tuple[str, ...]:
        return state.targets  # type: ignore[no-any-return]

    def network_target(self, truth: Array, state: Any) -> Array:
        """Truth of the first series in the units of its scale; windows.py does it for many series."""
        return scaled(truth, np.zeros(len(truth), dtype=np.int64), state).astype(np.float32)

    def loss(self, recipe: Recipe, class_weights: Sequence[float] | None) -> LossFunction:
        """Squared (or absolute, or Huber) error of the mean plus the pinball loss of each quantile, over known values."""
        import torch

        what = "a forecast is trained with mse, mae or huber (and the pinball loss of its quantiles)"
        function = error_function(recipe, what)
        levels = torch.tensor(QUANTILES)

        def loss(outputs: Tensor, target: Tensor) -> Tensor:
            answers = outputs[:, :-1].float().reshape(len(outputs), -1, ANSWERS)  # (B, H * V, 4)
            missing = target.isnan()
            truth = target.nan_to_num(0.0)
            missed = truth.unsqueeze(-1) - answers[..., 1:]
            share = levels.to(outputs.device)
            pinball = torch.maximum(share * missed, (share - 1) * missed).sum(dim=-1)
            losses = function(answers[..., 0], truth, reduction="none") + pinball
            return losses.masked_fill(missing, 0.0).sum(dim=1) / (~missing).sum(dim=1).clamp(min=1)

        return loss

    def answer(self, outputs: Tensor) -> Tensor:
        values = outputs.float()
        return values.mean(dim=1) if values.ndim == 3 else values

    def decode(self, answers: Array, state: Any) -> Predictions:
        """Means as `values` (n, H * V), `quantiles` (n, H * V, 3), and each row's scales for the metrics."""
        series = answers[:, -1].round().astype(np.int64)
        shape = (len(answers), state.horizon, len(state.targets), ANSWERS)
        steps = answers[:, :-1].reshape(shape).astype(np.float64)
        middle, stretch = steps[..., 2:3], np.asarray(state.stretch or 1.0)[..., None]
        quantiles = middle + stretch * (steps[..., 1:] - middle)
        quantiles = np.sort(quantiles, axis=-1).reshape(len(answers), -1, len(QUANTILES))
        values = unscaled(steps[..., 0].reshape(len(answers), -1), series, state)
        parts = [unscaled(quantiles[..., i], series, state) for i in range(len(QUANTILES))]
        return with_scales(Predictions(values=values, quantiles=np.stack(parts, axis=-1)), series, state)

    def labelled(self, truth: Array) -> Array:
        return np.asarray(~np.isnan(truth).all(axis=1))


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


# --- scales ----------------------------------------------------------------------------------------------------------


def transformed(values: Array, state: ForecastState) -> Array:
    """(..., V) values as networks see them before scaling: logarithms where the state says so."""
    log = np.asarray(state.log)
    if not log.any():
        return values
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(np.where(values > 0, values, np.nan))
    return np.where(log, logs, values)


def scaled(values: Array, series: Array, state: ForecastState) -> Array:
    """(n, H * V) values of these series (n,) in the units of their scales."""
    location, scale = _of_rows(values, series, state)
    return np.asarray((_each_step(values, state, transformed) - location) / scale)


def unscaled(answers: Array, series: Array, state: ForecastState) -> Array:
    """The inverse of `scaled`."""
    location, scale = _of_rows(answers, series, state)
    return _each_step(answers * scale + location, state, _inverse)


def _inverse(values: Array, state: ForecastState) -> Array:
    log = np.asarray(state.log)
    if not log.any():
        return values
    return np.where(log, np.exp(np.minimum(values, LARGEST_EXPONENT)), values)


def _each_step(values: Array, state: ForecastState, change: Callable[[Array, ForecastState], Array]) -> Array:
    return change(values.reshape(len(values), -1, len(state.targets)), state).reshape(len(values), -1)


def _of_rows(values: Array, series: Array, state: ForecastState) -> tuple[Array, Array]:
    steps = values.shape[1] // len(state.targets)
    location, scale = np.asarray(state.location), np.asarray(state.scale)
    if len(location) == 1:  # one series: no copy a row
        return np.tile(location, (1, steps)), np.tile(scale, (1, steps))
    return np.tile(location[series], (1, steps)), np.tile(scale[series], (1, steps))


def with_scales(predictions: Predictions, series: Array, state: ForecastState) -> Predictions:
    """The predictions with what the scale-free metrics divide by, (n, V) each."""
    return replace(predictions, naive=np.asarray(state.naive)[series], deviation=np.asarray(state.deviation)[series])


# --- intervals -------------------------------------------------------------------------------------------------------

INTERVAL = QUANTILES[-1] - QUANTILES[0]
LEAST_HALF = 1e-6  # of an interval, in the units of a series' scale


def conformal_stretch(answers: Array, target: Array, state: ForecastState) -> tuple[tuple[float, ...], ...]:
    """How much wider the intervals have to be (H, V) to hold 80 % of the validation rows.

    Conformalised quantile regression (Romano et al. 2019), a step and target at a time, with a factor instead of a summand:
    the network knows which windows swing more, and seasons in which all of them do may fill the validation part. Both ends
    move alike, since which side was missed on a short validation part is as much its own history as the network's fault.
    answers: of the network (n, outputs); target (n, H * V) in the same units.
    """
    shape = (len(answers), state.horizon, len(state.targets))
    steps = answers[:, :-1].reshape(*shape, ANSWERS).astype(np.float64)
    truth, middle = target.reshape(shape), steps[..., 2]
    below = (middle - truth) / np.maximum(middle - steps[..., 1], LEAST_HALF)
    above = (truth - middle) / np.maximum(steps[..., 3] - middle, LEAST_HALF)
    return tuple(tuple(map(float, step)) for step in held(np.maximum(below, above)))


def held(misses: Array) -> Array:
    """(H, V): the value that holds INTERVAL of the misses (n, H, V); on few rows neighbouring steps are taken together."""
    rows, horizon, width = misses.shape
    reach = min(horizon, -(-FEWEST_SCORES // max(1, rows)) // 2)
    # Of few windows, which overlap, hardly more than those that follow each other count for the correction for few values.
    independent = rows if rows >= FEWEST_SCORES else rows / horizon + 2 * reach + 1
    level = min(1.0, INTERVAL * (1 + 1 / independent))
    found = np.zeros((horizon, width))
    for step in range(horizon):
        near = misses[:, max(0, step - reach) : step + reach + 1].reshape(-1, width)
        for target in range(width):
            known = near[:, target]
            known = known[~np.isnan(known)]
            if len(known):
                found[step, target] = np.quantile(known, level)
    return found
