"""The contract of a metric: one function that scores all bootstrap resamples at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal

import numpy as np
import numpy.typing as npt

from netpick.answers.answered import A, AnsweredChances
from netpick.types import Array
from netpick.types.results import Answered

SAME_SHARE, SAME_MISSING = (0.001, 0.005), 0.1  # of a share: a tenth of what is missing to 1, within these limits
SAME_ERROR = 0.02  # of an error; of its square, what that makes

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


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """A metric that is sum over bins of |mean over rows of a gap|, which noise alone makes greater than zero.

    by_row: (n, bins), what each row adds to each bin's gap. `variance`: (bins,) of a row's gap in this bin, times the
    share of rows in it.
    """

    by_row: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A metric that is the mean over targets of sum(above) / sum(below); its interval is taken on the scale of logarithms.

    above, below: (n, T), what each row adds. `root`: the square root of each ratio counts (RMSE); `reflected`: one minus
    the mean is the metric (R2). `unseen`: what a mistake adds, as the network's own probabilities have it; of few rows, all
    of which are right, nothing else says how much the mistakes of other rows would cost.
    """

    above: npt.NDArray[np.float64]
    below: npt.NDArray[np.float64]
    root: bool = False
    reflected: bool = False
    unseen: float | None = None


class Metric(ABC, Generic[A]):
    """A pure function of truth and predictions of one kind, evaluated for R weightings of the n rows at once.

    The plain value is the case R = 1 with all weights 1; a bootstrap interval is the case of R multinomial draws; a paired
    comparison subtracts the values of two candidates under the same weights.
    """

    name: ClassVar[str]  # "auc"
    label: ClassVar[str]  # "ROC AUC"
    better: ClassVar[Literal["higher", "lower"]]
    reads: ClassVar[type[Answered]]  # the kind of predictions that it is of
    decides: ClassVar[bool] = True  # whether a better value is a better model
    uses_threshold: ClassVar[bool] = False  # decided classes rather than probabilities
    proportion: ClassVar[bool] = False  # a mean of 0/1 per row: its interval is Wilson's
    share: ClassVar[bool] = False  # lies in 0..1 and is built of shares: Wilson's interval at its effective row count
    lowest: ClassVar[float] = -np.inf  # no interval reaches further down
    highest: ClassVar[float] = np.inf
    squared: ClassVar[bool] = False  # in squared units of the target, or a share of those
    definition: ClassVar[str]  # one plain sentence for the glossary and tooltips

    def applies(self, truth: Array, predictions: A) -> bool:
        """Whether the metric is defined on these rows (two classes present, binary only, ...)."""
        return len(truth) > 0

    def mistakes(self, positive: Array, probabilities: Array) -> tuple[float, float]:
        """What a false positive and a missed positive cost where the metric decides between two classes: what matters is their ratio.

        positive: (n,) bool; probabilities: (n,) of being so.
        """
        return 1.0, 1.0

    def margin(self, value: float) -> float:
        """The difference from `value` that is too small to matter in use: of practical equivalence."""
        if self.share:
            return min(max(SAME_MISSING * (1 - value), SAME_SHARE[0]), SAME_SHARE[1])
        part = (1 + SAME_ERROR) ** 2 - 1 if self.squared else SAME_ERROR
        return part * abs(value if self.better == "lower" else self.highest - value)

    @abstractmethod
    def values(self, truth: Array, predictions: A, weights: Weights, decided: Array | None) -> Array:
        """Scores (R,) of `predictions` against `truth` under each row of `weights` (R, n); NaN where undefined.

        truth: (n,) int64 class numbers, (n, L) labels of 0/1, or (n, T) float64 numbers.
        decided: (n,) int64 class numbers or (n, L) labels of 0/1, after the threshold; None for numbers.
        """

    def linear(self, truth: Array, predictions: A, decided: Array | None) -> Linear | None:
        """The plain value with each row's influence; None where it has no derivative (it is then bootstrapped at any n)."""
        return None

    def effective_rows(self, truth: Array, predictions: A, decided: Array | None) -> int:
        """How many rows stand behind a perfect (or zero) value, when the rows themselves no longer vary.

        An AUC of 1 on 2 positives and 98 negatives rests on few rows, not on 100. 0 where there is nothing to divide by.
        """
        return len(truth)

    # What an interval needs beyond the influence. Each kind of metric has one of these; most have none of the others.

    def ratio(self, truth: Array, predictions: A, decided: Array | None) -> Ratio | None:
        """The metric as a ratio of sums; None for shares, and for what is no such ratio."""
        return None

    def gaps(self, truth: Array, predictions: A, decided: Array | None) -> Gaps | None:
        """The metric as a sum of absolute gaps; None where it is none."""
        return None

    def strata(self, truth: Array, predictions: A, decided: Array | None) -> Array | None:
        """(n,) of kinds of rows that a share compares with each other, each of which may be few (the classes of an AUC)."""
        return None

    def hidden_variance(self, truth: Array, predictions: A, decided: Array | None) -> float:
        """Of a mean of shares: the variance of its parts that few rows do not show, as all of them are right, or wrong."""
        return 0.0

    def most_rows(self, truth: Array, predictions: A) -> float:
        """Rows that a share can be worth at most, whatever little its rows vary."""
        return np.inf


def is_binary(truth: Array, predictions: AnsweredChances) -> bool:
    """Whether this is a single target of two classes (and not two labels)."""
    return truth.ndim == 1 and predictions.probabilities.shape[1] == 2
