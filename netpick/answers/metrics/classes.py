"""Metrics of decided classes that are shares within each class: precision, recall, F1, balanced accuracy.

All of them come from three sums per class (or per label): hits, true rows and decided rows. The score of a class is

    (r + d) * hits / (r * true rows + d * decided rows)        recall: r, d = 1, 0    precision: 0, 1    F1: 1, 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from netpick.answers.answered import AnsweredChances, AnsweredClasses
from netpick.answers.metrics.sums import Floats, RowCounts, RowSums, SumMetric, Sums, over
from netpick.types import Array
from netpick.types.results import Answered

Average = Literal["positive", "macro", "true", "weighted"]


def class_sums(truth: Array, decided: Array, num_classes: int) -> Sums:
    """What rows add to hits, true rows and decided rows of each class (n,) or label (n, L): 3 * K sums."""
    if truth.ndim == 2:
        true, called = (truth > 0).astype(np.float64), (decided > 0).astype(np.float64)
        return RowSums((true * called, true, called))
    return RowCounts((np.where(truth == decided, truth, num_classes), truth, decided), num_classes)


@dataclass(frozen=True, kw_only=True)
class _Shares:
    """Of each class, all (R, K): its score, what that was divided by, its true rows, and how much it counts in the average.

    A class with nothing to divide by scores 0; what classes count sums to one.
    """

    scores: Floats
    below: Floats
    true: Floats
    counts: Floats


class ClassShare(SumMetric[AnsweredChances]):
    """A share within each class, averaged over classes or labels."""

    better = "higher"
    reads: ClassVar[type[Answered]] = AnsweredChances
    uses_threshold = True
    share = True
    lowest, highest = 0.0, 1.0
    of_true: ClassVar[int]  # r of the formula above
    of_decided: ClassVar[int]  # d of the formula above
    average: ClassVar[Average] = "macro"  # "true": over the classes that occur in the truth

    def sums(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Sums:
        assert decided is not None
        return class_sums(truth, decided, predictions.probabilities.shape[1])

    def of_sums(self, totals: Floats, truth: Array) -> Floats:
        shares = self._shares(totals, truth)
        return np.asarray((shares.scores * shares.counts).sum(axis=1))

    def slopes(self, totals: Floats, truth: Array) -> Floats:
        per_class = self._shares(totals[None], truth)
        (scores,), (below,), (shares,) = per_class.scores, per_class.below, per_class.counts
        per_unit = np.divide(shares, below, out=np.zeros_like(below), where=below > 0)
        # One more row of weight raises the denominator of its true class by r and of its decided class by d, and the
        # numerator by r + d where they agree.
        rise = (self.of_true + self.of_decided) * per_unit
        fall_true, fall_decided = -self.of_true * scores * per_unit, -self.of_decided * scores * per_unit
        if self.average == "weighted":  # the averaging weights move too
            fall_true = fall_true + (scores - float(scores @ shares)) / max(float(per_class.true.sum()), 1.0)
        return np.concatenate([rise, fall_true, fall_decided])

    def _shares(self, totals: Floats, truth: Array) -> _Shares:
        hits, true, decided = np.split(totals, 3, axis=1)
        below = self.of_true * true + self.of_decided * decided
        scores = over((self.of_true + self.of_decided) * hits, below)
        return _Shares(scores=scores, below=below, true=true, counts=self._counts(true, decided, truth.ndim == 2))

    def _counts(self, true: Floats, decided: Floats, several: bool) -> Floats:
        if several and self.average != "weighted":  # every label counts, as in scikit-learn
            counts = np.ones_like(true)
        elif self.average == "weighted":
            counts = true
        elif self.average == "true":
            counts = (true > 0).astype(np.float64)
        elif self.average == "positive" or (true.shape[1] == 2 and self.average == "macro"):
            counts = np.zeros_like(true)
            counts[:, 1] = 1.0
        else:
            counts = ((true > 0) | (decided > 0)).astype(np.float64)
        return over(counts, counts.sum(axis=1, keepdims=True))

    def _plain(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> _Shares:
        """Of the rows as they are."""
        totals = self.sums(truth, predictions, decided).totals(np.ones((1, len(truth))))
        return self._shares(totals, truth)

    def effective_rows(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> int:
        """The rows of the rarest class that counts, times the number of such classes."""
        per_class = self._plain(truth, predictions, decided)
        rows = per_class.below[0][per_class.counts[0] > 0] / (self.of_true + self.of_decided)
        rows = rows[rows > 0]
        if not len(rows):
            return 0
        if self.average == "weighted":
            return len(truth)
        return int(np.clip(rows.min() * len(rows), 1, len(truth)))

    def hidden_variance(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> float:
        """What one row more, half right and half wrong (Jeffreys), adds to the variance of each class, where several count."""
        per_class = self._plain(truth, predictions, decided)
        (scores,), (below,), (shares,) = per_class.scores, per_class.below, per_class.counts
        if (shares > 0).sum() < 2:
            return 0.0
        rows = below / (self.of_true + self.of_decided)
        smooth = (scores * rows + 0.5) / (rows + 1)
        missing = smooth * (1 - smooth) - scores * (1 - scores)
        return float((shares**2 * np.maximum(missing, 0.0) / np.maximum(rows, 1.0)).sum())


class BalancedAccuracy(ClassShare):
    """Mean recall over the classes that occur."""

    name = "balanced_accuracy"
    label = "Balanced accuracy"
    reads = AnsweredClasses
    of_true, of_decided = 1, 0
    average: ClassVar[Average] = "true"

    def mistakes(self, positive: Array, probabilities: Array) -> tuple[float, float]:
        """Each class counts one half, however many rows it has."""
        share = float(positive.mean())
        return (share, 1 - share) if 0 < share < 1 else (1.0, 1.0)

    definition = (
        "The mean over classes of the share of its rows that were found: rare classes count as much as common ones."
    )


class Precision(ClassShare):
    """Precision of the positive class; macro over classes or labels when there are more."""

    name = "precision"
    label = "Precision"
    of_true, of_decided = 0, 1
    definition = "Of the rows called positive, the share that are (mean over classes when there are more than two)."


class Recall(ClassShare):
    """Recall of the positive class; macro over classes or labels when there are more."""

    name = "recall"
    label = "Recall"
    of_true, of_decided = 1, 0
    definition = "Of the positive rows, the share that were found (mean over classes when there are more than two)."


class F1(ClassShare):
    """F1 of the positive class; macro over classes or labels when there are more."""

    name = "f1"
    label = "F1"
    of_true, of_decided = 1, 1

    def mistakes(self, positive: Array, probabilities: Array) -> tuple[float, float]:
        """The best threshold is half of the best F1 (Lipton et al. 2014)."""
        called = np.argsort(-probabilities, kind="stable")
        hits = positive[called].cumsum()
        best = float((2 * hits / (np.arange(1, len(hits) + 1) + max(1, int(positive.sum())))).max())
        return (best / 2, 1 - best / 2) if best > 0 else (1.0, 1.0)

    definition = "The harmonic mean of precision and recall (mean over classes when there are more than two)."


class WeightedShare(ClassShare):
    """A class share averaged by class frequency; with two classes it would only repeat the plain one."""

    average: ClassVar[Average] = "weighted"

    def applies(self, truth: Array, predictions: AnsweredChances) -> bool:
        return len(truth) > 0 and (truth.ndim == 2 or predictions.probabilities.shape[1] > 2)


class PrecisionWeighted(WeightedShare):
    """Precision averaged by how often each class occurs."""

    name = "precision_weighted"
    label = "Precision (weighted)"
    of_true, of_decided = 0, 1
    definition = "Precision of each class, averaged by how often the class occurs."


class RecallWeighted(WeightedShare):
    """Recall averaged by how often each class occurs."""

    name = "recall_weighted"
    label = "Recall (weighted)"
    of_true, of_decided = 1, 0
    definition = (
        "Recall of each class, averaged by how often the class occurs (for single labels this is the accuracy)."
    )


class F1Weighted(WeightedShare):
    """F1 averaged by how often each class occurs."""

    name = "f1_weighted"
    label = "F1 (weighted)"
    of_true, of_decided = 1, 1
    definition = "F1 of each class, averaged by how often the class occurs."
