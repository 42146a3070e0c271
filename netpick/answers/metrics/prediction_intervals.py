"""Metrics of a regression's intervals: how many truths they hold, and how wide they are."""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredNumbers
from netpick.answers.metrics.means import RowMean
from netpick.types import Array

Bounds = tuple[Array, Array]


class IntervalCoverage(RowMean[AnsweredNumbers]):
    """Share of the truth between `low` and `high`, over rows and targets."""

    name = "coverage_90"
    label = "Coverage of 90 %"
    better = "higher"
    decides = False
    reads = AnsweredNumbers
    share = True
    lowest, highest = 0.0, 1.0
    definition = (
        "The share of the truth that lies inside the 90 % interval; 0.9 is right, more is too wide, less too narrow."
    )

    def applies(self, truth: Array, predictions: AnsweredNumbers) -> bool:
        return len(truth) > 0 and predictions.low is not None

    def per_row(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Array:
        low, high = _bounds(predictions)
        true = truth.reshape(low.shape)
        return np.asarray(((true >= low) & (true <= high)).mean(axis=1))


class IntervalWidth(RowMean[AnsweredNumbers]):
    """Mean distance from `low` to `high`, over rows and targets."""

    name = "width_90"
    label = "Width of 90 %"
    better = "lower"
    decides = False
    reads = AnsweredNumbers
    lowest = 0.0
    definition = "The mean width of the 90 % interval, in units of the target: of two that hold equally many truths, the narrower is better."

    def applies(self, truth: Array, predictions: AnsweredNumbers) -> bool:
        return len(truth) > 0 and predictions.low is not None

    def per_row(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Array:
        low, high = _bounds(predictions)
        return np.asarray((high - low).mean(axis=1))


def _bounds(predictions: AnsweredNumbers) -> Bounds:
    assert predictions.low is not None, "a metric of intervals needs them"
    assert predictions.high is not None, "a metric of intervals needs them"
    return predictions.low, predictions.high
