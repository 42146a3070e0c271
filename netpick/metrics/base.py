"""The contract of a metric: one function that scores all bootstrap resamples at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from netpick.types import Array, Predictions

Weights = npt.NDArray[np.float64]  # (R, n): how often each row counts in each of R resamples; ones give the plain value


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A metric's value and how every row bends it.

    `influence` (n,) is n times the derivative of the value by that row's weight, so that the standard error is
    sqrt(sum(influence ** 2)) / n (the infinitesimal jackknife; Efron 1982). For a mean of losses it is loss - mean, for
    the ROC AUC it gives DeLong's variance.
    """

    value: float
    influence: npt.NDArray[np.float64]


class Metric(ABC):
    """A pure function of truth and predictions, evaluated for R weightings of the n rows at once.

    The plain value is the case R = 1 with all weights 1; a bootstrap interval is the case of R multinomial draws; a paired
    comparison subtracts the values of two candidates under the same weights.
    """

    name: ClassVar[str]  # "auc"
    label: ClassVar[str]  # "ROC AUC"
    better: ClassVar[Literal["higher", "lower"]]
    tasks: ClassVar[tuple[str, ...]]  # names in TASKS
    uses_threshold: ClassVar[bool] = False  # decided classes rather than probabilities
    proportion: ClassVar[bool] = False  # a mean of 0/1 per row: its interval is Wilson's
    share: ClassVar[bool] = False  # lies in 0..1 and is built of shares: Wilson's interval at its effective row count
    biased: ClassVar[bool] = False  # on few rows it comes out too high, and on resamples of these higher still
    lowest: ClassVar[float] = -np.inf  # no interval reaches further down
    highest: ClassVar[float] = np.inf
    definition: ClassVar[str]  # one plain sentence for the glossary and tooltips

    def applies(self, truth: Array, predictions: Predictions) -> bool:
        """Whether the metric is defined on these rows (two classes present, binary only, ...)."""
        return len(truth) > 0

    @abstractmethod
    def values(self, truth: Array, predictions: Predictions, weights: Weights, decided: Array | None) -> Array:
        """Scores (R,) of `predictions` against `truth` under each row of `weights` (R, n); NaN where undefined.

        truth: classify (n,) int64 class index; multilabel (n, L) of 0/1; regress (n, T) float64.
        decided: classify (n,) int64, multilabel (n, L) of 0/1, after the threshold; None for regress.
        """

    def linear(self, truth: Array, predictions: Predictions, decided: Array | None) -> Linear | None:
        """The plain value with each row's influence; None where it has no derivative (it is then bootstrapped at any n)."""
        return None

    def effective_rows(self, truth: Array, predictions: Predictions, decided: Array | None) -> int:
        """How many rows stand behind a perfect (or zero) value, when the rows themselves no longer vary.

        An AUC of 1 on 2 positives and 98 negatives rests on few rows, not on 100.
        """
        return len(truth)


def probabilities_of(predictions: Predictions) -> npt.NDArray[np.float64]:
    """The probabilities (n, K), which a metric of classes needs."""
    assert predictions.probabilities is not None, "a metric of classes needs probabilities"
    return predictions.probabilities


def is_binary(truth: Array, predictions: Predictions) -> bool:
    """Whether this is a single target of two classes (and not two labels)."""
    return truth.ndim == 1 and probabilities_of(predictions).shape[1] == 2
