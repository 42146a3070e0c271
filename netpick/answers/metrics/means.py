"""Metrics that are the mean of one loss per row: accuracy, log loss, Brier score."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Generic

import numpy as np

from netpick.answers.answered import A, AnsweredChances
from netpick.answers.metrics.base import is_binary
from netpick.answers.metrics.sums import RatioMetric
from netpick.types import Array

ENOUGH = 1_000_000  # probabilities, for what a mistake costs on average


class RowMean(RatioMetric[A], Generic[A]):
    """A weighted mean over rows; a subclass says what one row counts."""

    @abstractmethod
    def per_row(self, truth: Array, predictions: A, decided: Array | None) -> Array:
        """What each row contributes (n,)."""

    def parts(self, truth: Array, predictions: A, decided: Array | None) -> tuple[Array, None]:
        return self.per_row(truth, predictions, decided).astype(np.float64)[:, None], None

    def most_rows(self, truth: Array, predictions: A) -> float:
        return float(len(truth))


class Accuracy(RowMean[AnsweredChances]):
    """Share of right rows; with several labels, all of a row's labels must be right."""

    name = "accuracy"
    label = "Accuracy"
    better = "higher"
    reads = AnsweredChances
    uses_threshold = True
    proportion = True
    share = True
    lowest, highest = 0.0, 1.0
    definition = "The share of rows whose class is right (with several labels per row: all of them right)."

    def per_row(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Array:
        assert decided is not None
        right = decided == truth
        return np.asarray(right if right.ndim == 1 else right.all(axis=1)).astype(np.float64)


class LogLoss(RowMean[AnsweredChances]):
    """Cross-entropy of the true class, natural logarithm; with several labels, the mean over labels."""

    name = "log_loss"
    label = "Log loss"
    better = "lower"
    reads = AnsweredChances
    lowest = 0.0
    definition = "The mean surprise, -log(probability given to the true class); confident mistakes cost most."

    def per_row(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Array:
        probabilities = predictions.probabilities
        if truth.ndim == 1:
            of_truth = np.take_along_axis(probabilities, truth[:, None], axis=1)
        else:
            of_truth = np.where(truth > 0, probabilities, 1 - probabilities)
        # Clipped at the precision of the probabilities' own type, as scikit-learn does: one sure mistake is not infinite.
        smallest = float(np.finfo(probabilities.dtype).eps)
        surprise = -np.log(np.clip(of_truth.astype(np.float64), smallest, 1 - smallest))
        return np.asarray(surprise.mean(axis=1))

    def if_wrong(self, truth: Array, predictions: AnsweredChances) -> float:
        probabilities = predictions.probabilities
        smallest = float(np.finfo(probabilities.dtype).eps)
        return _if_wrong(truth, probabilities, lambda p: -np.log(np.clip(p, smallest, 1 - smallest)))


class Brier(RowMean[AnsweredChances]):
    """Mean squared error of the probabilities (Brier 1950): 0..1 for two classes, summed over classes (0..2) for more."""

    name = "brier"
    label = "Brier score"
    squared = True
    better = "lower"
    reads = AnsweredChances
    lowest = 0.0
    definition = (
        "The mean squared distance between probabilities and truth: "
        "of the positive class when there are two, summed over classes when there are more (up to 2)."
    )

    def per_row(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Array:
        probabilities = predictions.probabilities.astype(np.float64, copy=False)
        if truth.ndim == 2:
            return np.asarray(((probabilities - truth) ** 2).mean(axis=1))
        if is_binary(truth, predictions):
            return np.asarray((probabilities[:, 1] - truth) ** 2)
        of_truth = np.take_along_axis(probabilities, truth[:, None], axis=1)[:, 0]
        # sum_k (p_k - y_k)^2, without a one-hot copy of the truth
        return np.asarray(np.einsum("nk,nk->n", probabilities, probabilities) - 2 * of_truth + 1)

    def if_wrong(self, truth: Array, predictions: AnsweredChances) -> float:
        probabilities = predictions.probabilities.astype(np.float64, copy=False)
        if truth.ndim == 2 or is_binary(truth, predictions):
            return _if_wrong(truth, probabilities, lambda p: (1 - p) ** 2)
        return _if_wrong(truth, probabilities, lambda p: np.einsum("nk,nk->n", p, p)[:, None] - 2 * p + 1)


def _if_wrong(truth: Array, probabilities: Array, cost: Callable[[Array], Array]) -> float:
    """The mean cost of the answers that are not the likeliest, weighted by their probabilities.

    cost: what true answers of such probabilities cost, of the same shape. With several labels one of a row's is wrong.
    """
    unlikely = probabilities[:: max(1, probabilities.size // ENOUGH)].astype(np.float64)
    several = truth.ndim == 2
    if several:
        unlikely = np.minimum(unlikely, 1 - unlikely)
    costs = cost(unlikely)
    if not several:
        unlikely[np.arange(len(unlikely)), unlikely.argmax(axis=1)] = 0.0
    wrong = float((unlikely * costs).sum() / unlikely.sum()) if unlikely.any() else float(costs.max())
    if not several:
        return wrong
    labels = float(truth.shape[1])
    return wrong / labels + float(cost(1 - unlikely).mean()) * (1 - 1 / labels)
