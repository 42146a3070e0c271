"""Metrics of decided classes that are shares within each class: precision, recall, F1, balanced accuracy.

All of them come from three sums per class (or per label): hits, true rows and decided rows. The score of a class is

    (r + d) * hits / (r * true rows + d * decided rows)        recall: r, d = 1, 0    precision: 0, 1    F1: 1, 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from netpick.answered import AnsweredChances, AnsweredClasses
from netpick.metrics.base import Linear, Metric, Weights
from netpick.types import Answered, Array

Floats = npt.NDArray[np.float64]
Average = Literal["positive", "macro", "true", "weighted"]


@dataclass(frozen=True, kw_only=True)
class ClassSums:
    """Weighted rows per class, each (R, K): right ones, true ones, decided ones."""

    hits: Floats
    true: Floats
    decided: Floats


def class_sums(truth: Array, decided: Array, num_classes: int, weights: Weights) -> ClassSums:
    """Sums the weights (R, n) per class; bincount per resample, so that thousands of classes cost no one-hot matrix."""
    if truth.ndim == 2:
        true, said = (truth > 0).astype(np.float64), (decided > 0).astype(np.float64)
        return ClassSums(hits=weights @ (true * said), true=weights @ true, decided=weights @ said)
    hit_class = np.where(truth == decided, truth, num_classes)  # one bin more takes the misses
    hits, true, said = (np.empty((len(weights), num_classes)) for _ in range(3))
    for resample, row_weights in enumerate(weights):
        hits[resample] = np.bincount(hit_class, row_weights, num_classes + 1)[:num_classes]
        true[resample] = np.bincount(truth, row_weights, num_classes)
        said[resample] = np.bincount(decided, row_weights, num_classes)
    return ClassSums(hits=hits, true=true, decided=said)


class ClassShare(Metric[AnsweredChances]):
    """A share within each class, averaged over classes or labels."""

    better = "higher"
    reads: ClassVar[type[Answered]] = AnsweredChances
    uses_threshold = True
    share = True
    lowest, highest = 0.0, 1.0
    of_true: ClassVar[int]  # r of the formula above
    of_decided: ClassVar[int]  # d of the formula above
    average: ClassVar[Average] = "macro"  # "true": over the classes that occur in the truth

    def class_scores(self, sums: ClassSums) -> tuple[Floats, Floats]:
        """Scores and their denominators per class, both (R, K); a class with nothing to divide by scores 0."""
        below = self.of_true * sums.true + self.of_decided * sums.decided
        above = (self.of_true + self.of_decided) * sums.hits
        return np.divide(above, below, out=np.zeros_like(below), where=below > 0), below

    def shares(self, sums: ClassSums, truth: Array) -> Floats:
        """How much each class counts in the average (R, K), rows summing to one."""
        num_classes = sums.hits.shape[1]
        if truth.ndim == 2:  # every label counts, as in scikit-learn
            counts = np.ones_like(sums.hits) if self.average != "weighted" else sums.true
        elif self.average == "weighted":
            counts = sums.true
        elif self.average == "true":
            counts = (sums.true > 0).astype(np.float64)
        elif self.average == "positive" or (num_classes == 2 and self.average == "macro"):
            counts = np.zeros_like(sums.hits)
            counts[:, 1] = 1.0
        else:
            counts = ((sums.true > 0) | (sums.decided > 0)).astype(np.float64)
        total = counts.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(counts, total, out=np.zeros_like(counts), where=total > 0))

    def values(self, truth: Array, predictions: AnsweredChances, weights: Weights, decided: Array | None) -> Array:
        assert decided is not None
        sums = class_sums(truth, decided, predictions.probabilities.shape[1], weights)
        scores, _ = self.class_scores(sums)
        return np.asarray((scores * self.shares(sums, truth)).sum(axis=1))

    def linear(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> Linear:
        assert decided is not None
        n = len(truth)
        sums = class_sums(truth, decided, predictions.probabilities.shape[1], np.ones((1, n)))
        (scores,), (below,) = self.class_scores(sums)
        (shares,) = self.shares(sums, truth)
        value = float(scores @ shares)
        per_unit = np.divide(shares, below, out=np.zeros_like(below), where=below > 0)
        # One more row of weight raises the denominator of its true class by r and of its decided class by d, and the
        # numerator by r + d where they agree.
        rise = (self.of_true + self.of_decided) * per_unit
        fall_true = -self.of_true * scores * per_unit
        fall_decided = -self.of_decided * scores * per_unit
        if truth.ndim == 2:
            true, said = (truth > 0).astype(np.float64), (decided > 0).astype(np.float64)
            influence = (true * said) @ rise + true @ fall_true + said @ fall_decided
        else:
            influence = np.where(truth == decided, rise[truth], 0.0) + fall_true[truth] + fall_decided[decided]
        if self.average == "weighted":  # the averaging weights move too
            moved = (scores - value) / max(float(sums.true.sum()), 1.0)
            influence = influence + (truth @ moved if truth.ndim == 2 else moved[truth])
        return Linear(value=value, influence=n * np.asarray(influence, dtype=np.float64))

    def effective_rows(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> int:
        """The rows of the rarest class that counts, times the number of such classes."""
        assert decided is not None
        n = len(truth)
        sums = class_sums(truth, decided, predictions.probabilities.shape[1], np.ones((1, n)))
        (_, below), (shares,) = self.class_scores(sums), self.shares(sums, truth)
        rows = below[0][shares > 0] / (self.of_true + self.of_decided)
        rows = rows[rows > 0]
        if not len(rows):
            return 0
        if self.average == "weighted":
            return n
        return int(np.clip(rows.min() * len(rows), 1, n))

    def hidden_variance(self, truth: Array, predictions: AnsweredChances, decided: Array | None) -> float:
        """What one row more, half right and half wrong (Jeffreys), adds to the variance of each class, where several count."""
        assert decided is not None
        sums = class_sums(truth, decided, predictions.probabilities.shape[1], np.ones((1, len(truth))))
        (scores, below), (shares,) = self.class_scores(sums), self.shares(sums, truth)
        if (shares > 0).sum() < 2:
            return 0.0
        rows = below[0] / (self.of_true + self.of_decided)
        smooth = (scores[0] * rows + 0.5) / (rows + 1)
        missing = smooth * (1 - smooth) - scores[0] * (1 - scores[0])
        return float((shares**2 * np.maximum(missing, 0.0) / np.maximum(rows, 1.0)).sum())


class BalancedAccuracy(ClassShare):
    """Mean recall over the classes that occur."""

    name = "balanced_accuracy"
    label = "Balanced accuracy"
    reads = AnsweredClasses
    of_true, of_decided = 1, 0
    average: ClassVar[Average] = "true"
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
