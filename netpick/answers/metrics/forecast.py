"""Metrics of forecasts: RMSE, MAE, MASE, sMAPE, OWA, standardised MSE, weighted quantile loss, coverage of the interval.

A row is a window with H steps of V targets. Missing truth counts nowhere. All of them are ratios of sums over rows, a
target at a time, so that windows with holes weigh less; targets are then averaged.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from netpick.answers.answered import AnsweredHorizon
from netpick.answers.metrics.sums import Floats, RatioMetric, RowSums, SumMetric, over
from netpick.types import Array

LEVELS = np.array([0.1, 0.5, 0.9])


class WindowRatio(RatioMetric[AnsweredHorizon]):
    """mean over targets of bend(sum of numerators / sum of denominators); a subclass says what a row adds to both."""

    reads = AnsweredHorizon
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    lowest = 0.0

    @abstractmethod
    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        """Numerators and denominators (n, H, V) of each value, 0 where the truth (n, H, V) is missing."""

    def parts(self, truth: Array, predictions: AnsweredHorizon, decided: Array | None) -> tuple[Array, Array]:
        above, below = self.steps(truth, predictions)
        return above.sum(axis=1), below.sum(axis=1)


class ForecastRmse(WindowRatio):
    """Root of the mean squared error over windows and steps."""

    name = "forecast_rmse"
    label = "RMSE"
    definition = (
        "The root of the mean squared error over all windows and steps, in the target's units, averaged over targets."
    )
    root = True

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        errors, known = _errors(truth, predictions)
        return errors**2, known


class ForecastMae(WindowRatio):
    """Mean absolute error over windows and steps."""

    name = "forecast_mae"
    label = "MAE"
    definition = "The mean absolute error over all windows and steps, in the target's units, averaged over targets."

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        errors, known = _errors(truth, predictions)
        return np.abs(errors), known


class Mase(WindowRatio):
    """Mean absolute scaled error (Hyndman & Koehler 2006), by the seasonal naive error of each series in training."""

    name = "mase"
    label = "MASE"
    definition = "The mean absolute error divided by what repeating the last season missed by in training: below 1 is better than that."

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        errors, known = _errors(truth, predictions)
        return np.abs(errors) / _by_row(predictions.naive, known), known


class StandardisedMse(WindowRatio):
    """Mean squared error of values divided by their standard deviation in training: the usual figure of ETTh1 and its kin."""

    name = "standardised_mse"
    label = "Standardised MSE"
    squared = True
    definition = "The mean squared error once every target is divided by its standard deviation in training: 1 is no better than its mean."

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        errors, known = _errors(truth, predictions)
        return (errors / _by_row(predictions.deviation, known)) ** 2, known


class Smape(WindowRatio):
    """Symmetric mean absolute percentage error, 0 to 2 (Makridakis 1993)."""

    name = "smape"
    label = "sMAPE"
    highest = 2.0
    definition = "The mean of absolute errors divided by the mean size of truth and forecast, between 0 and 2."

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        errors, known = _errors(truth, predictions)
        values = _steps(predictions, truth)
        size = (np.abs(np.nan_to_num(_windows(truth, predictions))) + np.abs(values)) / 2
        return np.divide(np.abs(errors), size, out=np.zeros_like(errors), where=size > 0), known


class Owa(SumMetric[AnsweredHorizon]):
    """Overall weighted average of the M4 competition: sMAPE and MASE, each as a share of the naive forecast's (Makridakis, Spiliotis
    & Assimakopoulos 2020). The naive forecast repeats the last season, in place of the competition's Naive2."""

    name = "owa"
    label = "OWA"
    better = "lower"
    reads = AnsweredHorizon
    lowest = 0.0
    definition = (
        "The mean of sMAPE and MASE, each divided by that of repeating the last season: below 1 is better than that."
    )

    def applies(self, truth: Array, predictions: AnsweredHorizon) -> bool:
        return len(truth) > 0 and predictions.seasonal is not None

    def sums(self, truth: Array, predictions: AnsweredHorizon, decided: Array | None) -> RowSums:
        """(n, 4): what a row adds to sMAPE and MASE, of the forecast and of the naive one."""
        assert predictions.seasonal is not None
        parts = []
        for values in (predictions.values, predictions.seasonal):
            said = replace(predictions, values=values)
            parts += [part.steps(truth, said)[0].sum(axis=(1, 2)) for part in (Smape(), Mase())]
        return RowSums([np.stack(parts, axis=1)])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        return np.asarray(over(totals[:, :2], totals[:, 2:]).mean(axis=1))


class QuantileLoss(WindowRatio):
    """Weighted quantile loss of 10, 50 and 90 %, or of the quantiles that were asked for (Salinas et al. 2020)."""

    name = "wql"
    label = "WQL"
    definition = "Twice the quantile loss of the 10, 50 and 90 % forecasts, or of those of --quantiles, averaged, as a share of the sum of the truth."

    def applies(self, truth: Array, predictions: AnsweredHorizon) -> bool:
        return len(truth) > 0 and predictions.quantiles is not None

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        true = _windows(truth, predictions)
        known = ~np.isnan(true)
        asked, quantiles = predictions.stated_quantiles
        assert quantiles is not None
        levels = np.asarray(asked) if asked else LEVELS
        missed = np.nan_to_num(true)[..., None] - quantiles.reshape(*true.shape, len(levels))
        loss = 2 * np.maximum(levels * missed, (levels - 1) * missed).mean(axis=-1)
        return np.where(known, loss, 0.0), np.where(known, np.abs(true), 0.0)


class Coverage(WindowRatio):
    """Share of the truth between the 10 % and the 90 % forecast."""

    name = "coverage_80"
    label = "Coverage of 80 %"
    better = "higher"
    decides = False
    share = True
    highest = 1.0
    definition = (
        "The share of the truth that lies inside the 80 % interval; 0.8 is right, more is too wide, less too narrow."
    )

    def applies(self, truth: Array, predictions: AnsweredHorizon) -> bool:
        return len(truth) > 0 and predictions.quantiles is not None

    def steps(self, truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
        true = _windows(truth, predictions)
        quantiles = _quantiles(predictions, true.shape)
        inside = (true >= quantiles[..., 0]) & (true <= quantiles[..., 2])
        return inside.astype(np.float64), (~np.isnan(true)).astype(np.float64)


def _targets(predictions: AnsweredHorizon) -> int:
    return 1 if predictions.naive is None else predictions.naive.shape[1]


def _windows(truth: Array, predictions: AnsweredHorizon) -> Array:
    """(n, H, V)."""
    return truth.reshape(len(truth), -1, _targets(predictions)).astype(np.float64, copy=False)


def _steps(predictions: AnsweredHorizon, truth: Array) -> Array:
    return predictions.values.reshape(len(truth), -1, _targets(predictions))


def _quantiles(predictions: AnsweredHorizon, shape: tuple[int, ...]) -> Array:
    assert predictions.quantiles is not None
    return predictions.quantiles.reshape(*shape, len(LEVELS))


def _errors(truth: Array, predictions: AnsweredHorizon) -> tuple[Array, Array]:
    """Errors (n, H, V), 0 where the truth is missing, and 1 where it is not."""
    errors = _steps(predictions, truth) - _windows(truth, predictions)
    known = ~np.isnan(errors)
    return np.where(known, errors, 0.0), known.astype(np.float64)


def _by_row(scales: Array | None, like: Array) -> Array:
    return np.ones_like(like[:, :1]) if scales is None else scales[:, None, :]
