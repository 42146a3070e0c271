"""The mean fourth power of errors."""

from __future__ import annotations

import numpy as np

from netpick.answers.answered import AnsweredNumbers
from netpick.answers.metrics.means import RowMean
from netpick.types import Array


class QuarticError(RowMean[AnsweredNumbers]):
    """Of numbers."""

    name = "quartic"
    label = "Quartic error"
    better = "lower"
    reads = AnsweredNumbers
    lowest = 0.0
    definition = "The mean fourth power of the errors."

    def per_row(self, truth: Array, predictions: AnsweredNumbers, decided: Array | None) -> Array:
        return np.asarray(((np.reshape(truth, predictions.values.shape) - predictions.values) ** 4).mean(axis=1))
