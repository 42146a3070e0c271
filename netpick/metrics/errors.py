"""Metrics of numbers: MSE, RMSE, MAE and R2, averaged uniformly over several targets."""

from __future__ import annotations

import numpy as np

from netpick.answered import AnsweredNumbers
from netpick.metrics.base import Linear, Metric, Ratio, Weights
from netpick.metrics.means import RowMean
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


class RootMeanSquaredError(Metric[AnsweredNumbers]):
    """Square root of the mean squared error per target, averaged over targets."""

    name = "rmse"
    label = "RMSE"
    better = "lower"
    reads = AnsweredNumbers
    lowest = 0.0
    definition = "The root of the mean squared error, in units of the target; large misses count more than in MAE."

    def values(self, truth: Array, predictions: AnsweredNumbers, weights: Weights, decided: Array | None) -> Array:
        true, predicted = _as_columns(truth, predictions)
        mean_squares = weights @ (true - predicted) ** 2 / weights.sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt(mean_squares).mean(axis=1))

    def linear(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Linear:
        true, predicted = _as_columns(truth, predictions)
        squares = (true - predicted) ** 2
        mean_squares = squares.mean(axis=0)
        roots = np.sqrt(mean_squares)
        slopes = np.divide(0.5, roots, out=np.zeros_like(roots), where=roots > 0)
        influence = ((squares - mean_squares) * slopes).mean(axis=1)
        return Linear(value=float(roots.mean()), influence=influence)

    def ratio(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Ratio:
        true, predicted = _as_columns(truth, predictions)
        squares = (true - predicted) ** 2
        return Ratio(above=squares, below=np.ones_like(squares), root=True)


class R2(Metric[AnsweredNumbers]):
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

    def values(self, truth: Array, predictions: AnsweredNumbers, weights: Weights, decided: Array | None) -> Array:
        true, predicted = _as_columns(truth, predictions)
        centred = true - true.mean(axis=0)  # else the squares cancel badly far from zero
        total = weights.sum(axis=1, keepdims=True)
        errors = weights @ (true - predicted) ** 2
        spread = weights @ centred**2 - (weights @ centred) ** 2 / total
        return _explained(errors, spread, float((centred**2).sum()))

    def linear(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Linear:
        true, predicted = _as_columns(truth, predictions)
        squares, spread_squares = (true - predicted) ** 2, (true - true.mean(axis=0)) ** 2
        errors, spread = squares.mean(axis=0), spread_squares.mean(axis=0)
        value = float(_explained(errors[None], spread[None], float(spread.sum()))[0])
        inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
        influence = (errors * inverse**2 * (spread_squares - spread) - inverse * (squares - errors)).mean(axis=1)
        return Linear(value=value, influence=influence)

    def ratio(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Ratio:
        true, predicted = _as_columns(truth, predictions)
        return Ratio(above=(true - predicted) ** 2, below=(true - true.mean(axis=0)) ** 2, reflected=True)


def _explained(errors: Array, spread: Array, scale: float) -> Array:
    """1 - errors / spread (R, T) averaged over T; a constant target gives 1 when it is met exactly and 0 otherwise."""
    varies = spread > 1e-14 * scale
    ratio = np.divide(errors, spread, out=np.where(errors > 0, 1.0, 0.0), where=varies)
    return np.asarray((1 - ratio).mean(axis=1))
