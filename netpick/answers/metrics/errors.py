"""Metrics of numbers: MSE, RMSE, MAE and R2, averaged uniformly over several targets."""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredNumbers
from netpick.answers.metrics.base import Ratio
from netpick.answers.metrics.means import RowMean
from netpick.answers.metrics.sums import LEAST, Floats, RatioMetric, RowSums, SumMetric
from netpick.types import Array


def _as_columns(truth: Array, predictions: AnsweredNumbers) -> tuple[Array, Array]:
    """Truth and predicted values as (n, T) float64."""
    n = len(truth)
    return truth.reshape(n, -1).astype(np.float64, copy=False), predictions.values.reshape(n, -1).astype(np.float64)


class MeanSquaredError(RowMean[AnsweredNumbers]):
    """Mean of the squared errors, in squared units of the target."""

    name = "mse"
    label = "MSE"
    better = "lower"
    reads = AnsweredNumbers
    lowest = 0.0
    squared = True
    definition = "The mean squared error, in squared units of the target; large misses dominate."

    def per_row(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Array:
        true, predicted = _as_columns(truth, predictions)
        return np.asarray(((true - predicted) ** 2).mean(axis=1))


class MeanAbsoluteError(RowMean[AnsweredNumbers]):
    """Mean of the absolute errors, in units of the target."""

    name = "mae"
    label = "MAE"
    better = "lower"
    reads = AnsweredNumbers
    lowest = 0.0
    definition = "The mean absolute error, in units of the target: how far off a prediction is on average."

    def per_row(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Array:
        true, predicted = _as_columns(truth, predictions)
        return np.asarray(np.abs(true - predicted).mean(axis=1))


class RootMeanSquaredError(RatioMetric[AnsweredNumbers]):
    """Square root of the mean squared error per target, averaged over targets."""

    name = "rmse"
    label = "RMSE"
    better = "lower"
    reads = AnsweredNumbers
    lowest = 0.0
    definition = "The root of the mean squared error, in units of the target; large misses count more than in MAE."

    root = True

    def parts(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> tuple[Array, None]:
        true, predicted = _as_columns(truth, predictions)
        return (true - predicted) ** 2, None


class R2(SumMetric[AnsweredNumbers]):
    """Share of the target's variance that is explained, averaged over targets."""

    name = "r2"
    label = "R²"
    better = "higher"
    reads = AnsweredNumbers
    highest = 1.0
    squared = True
    definition = (
        "The share of the target's variance that the predictions explain: 1 is perfect, 0 is always saying the mean."
    )

    def applies(self, truth: Array, predictions: AnsweredNumbers) -> bool:
        return len(truth) >= 2

    def sums(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> RowSums:
        true, predicted = _as_columns(truth, predictions)
        centred = true - true.mean(axis=0)  # else the squares cancel badly far from zero
        return RowSums(((true - predicted) ** 2, centred**2, centred, np.ones((len(true), 1))))

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        errors, squares, firsts, rows = _of_targets(totals)
        # A constant target gives 1 when it is met exactly and 0 otherwise.
        spread = squares - firsts**2 / rows
        with np.errstate(over="ignore"):
            missed = np.divide(errors, spread, out=np.where(errors > 0, 1.0, 0.0), where=_varies(spread, squares))
        return np.asarray((1 - missed).mean(axis=1))

    def slopes(self, totals: Floats, truth: Array) -> Floats:
        (errors,), (squares,), (firsts,), rows = _of_targets(totals[None])
        spread = squares - firsts**2 / rows[0]
        inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=_varies(spread, squares))
        with np.errstate(over="ignore", invalid="ignore"):  # a target that hardly varies can be missed by any factor
            bent, pull = errors * inverse * inverse, firsts / rows[0]
            by_target = np.concatenate([-inverse, bent, -2 * bent * pull]) / len(errors)
            return np.asarray(np.append(by_target, (bent * pull**2).mean()))

    def ratio(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Ratio:
        true, predicted = _as_columns(truth, predictions)
        return Ratio(above=(true - predicted) ** 2, below=(true - true.mean(axis=0)) ** 2, reflected=True)


def _varies(spread: Floats, squares: Floats) -> Array:
    """Whether sums of squares about the mean are more than rounding."""
    return np.asarray(spread > np.maximum(1e-14 * squares, LEAST))


def _of_targets(totals: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The sums (R, 3 * T + 1) as errors, squares and first moments (R, T), and rows (R, 1)."""
    targets = totals.shape[1] // 3
    return totals[:, :targets], totals[:, targets : 2 * targets], totals[:, 2 * targets : -1], totals[:, -1:]
